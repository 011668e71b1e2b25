# SPDX-License-Identifier: GPL-3.0-or-later
"""A drive that stops to answer, as a network drive whose server is gone: a folder shown once more through FUSE.

    python tests/faults/stalling_drive.py FOLDER MOUNT STALL

shows FOLDER at MOUNT until it gets SIGTERM. While there is a file STALL only as many requests are answered as it says;
the others wait, as for a server that is gone, until that file is removed or the process is killed. Root and /dev/fuse
are needed, and no library: this speaks with the kernel.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import stat
import struct
import sys
import time
from pathlib import Path
from typing import Any

READ, WRITE = 15, 16
_ROOT = 1
_DETACH = 2
_DIRECT = 1  # nothing of a file is kept in the kernel's cache
_NO_REPLY = {2, 36, 42}  # forget, interrupt, forget several
_libc = ctypes.CDLL(None, use_errno=True)


class Drive:
    """The folder, mounted; nodes are numbered by their paths."""

    def __init__(self, folder: Path, mount: Path) -> None:
        self._folder, self._mount = folder, mount
        self._device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if _libc.mount(b"stalling", bytes(mount), b"fuse", 6, options):
            raise OSError(ctypes.get_errno(), "mount")
        self._paths = {_ROOT: folder}
        self._numbers = {folder: _ROOT}

    def serve(self, stall: Path) -> None:
        """Take requests and answer them, or leave them where they are: so a process that waits can be killed."""
        answered = 0
        while True:
            try:
                limit = int(stall.read_text() or 0)
            except FileNotFoundError:
                limit, answered = sys.maxsize, 0
            if answered >= limit or not select.select([self._device], [], [], 0.01)[0]:
                time.sleep(0.002)
                continue
            try:
                request = os.read(self._device, 1 << 20)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return  # unmounted
                continue
            self._answer(request)
            answered += 1

    def vanish(self) -> None:
        """Unmount; whoever waits gets an error."""
        _libc.umount2(bytes(self._mount), _DETACH)
        os.close(self._device)

    def _answer(self, request: bytes) -> None:
        _, kind, unique, node = struct.unpack_from("<IIQQ", request)
        if kind in _NO_REPLY:
            return
        try:
            data, number = self._reply(kind, node, request[40:]), 0
        except OSError as error:
            data, number = b"", error.errno or errno.EIO
        try:
            os.write(self._device, struct.pack("<IiQ", 16 + len(data), -number, unique) + data)
        except OSError:
            pass  # whoever asked is gone

    def _reply(self, kind: int, node: int, body: bytes) -> bytes:
        path = self._paths.get(node)
        if kind == 26:  # init
            return struct.pack("<IIIIHHIIHHI28x", 7, 31, 65536, 0, 64, 48, 131072, 1, 32, 0, 0)
        if kind == READ:
            handle, offset, size = struct.unpack_from("<QQI", body)
            return os.pread(handle, size, offset)
        if kind == WRITE:
            handle, offset, size = struct.unpack_from("<QQI", body)
            return struct.pack("<II", os.pwrite(handle, body[40 : 40 + size], offset), 0)
        if kind in (18, 29):  # release
            if kind == 18:
                os.close(struct.unpack_from("<Q", body)[0])
            return b""
        if kind in (20, 30, 34, 38):  # fsync, access
            return b""
        if kind == 17:
            s = os.statvfs(self._folder)
            whole = (s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree, s.f_bsize, s.f_namemax, s.f_frsize)
            return struct.pack("<QQQQQIII28x", *whole)
        if path is None:
            raise OSError(errno.ESTALE, "")
        return self._on_path(kind, path, body)

    def _on_path(self, kind: int, path: Path, body: bytes) -> bytes:
        if kind == 1:
            return self._entry(path / _name(body))
        if kind == 3:
            return struct.pack("<QII", 0, 0, 0) + _attributes(path)
        if kind == 4:
            return self._change(path, body)
        if kind == 9:
            os.mkdir(path / _name(body[8:]))
            return self._entry(path / _name(body[8:]))
        if kind in (10, 11):
            (os.unlink if kind == 10 else os.rmdir)(path / _name(body))
            return b""
        if kind in (12, 45):
            return self._rename(path, struct.unpack_from("<Q", body)[0], body[8 if kind == 12 else 16 :])
        if kind == 14:
            flags = struct.unpack_from("<I", body)[0] & ~os.O_NOFOLLOW
            return struct.pack("<QII", os.open(path, flags & ~os.O_CREAT & ~os.O_EXCL), _DIRECT, 0)
        if kind == 35:
            flags, mode = struct.unpack_from("<II", body)
            made = path / _name(body[16:])
            handle = os.open(made, flags | os.O_CREAT, mode & 0o777)
            return self._entry(made) + struct.pack("<QII", handle, _DIRECT, 0)
        if kind == 27:
            return struct.pack("<QII", 0, 0, 0)
        if kind == 28:
            return self._list(path, *struct.unpack_from("<QQI", body)[1:])
        raise OSError(errno.ENOSYS, "")  # flush (25) among them: a process that ends would wait for it

    def _entry(self, path: Path) -> bytes:
        attributes = _attributes(path)
        number = self._numbers.setdefault(path, len(self._paths) + 1)
        self._paths[number] = path
        return struct.pack("<QQQQII", number, 0, 0, 0, 0, 0) + attributes

    def _change(self, path: Path, body: bytes) -> bytes:
        valid, _, _, size, _, _, changed = struct.unpack_from("<IIQQQQQ", body)
        if valid & 8:
            os.truncate(path, size)
        if valid & 32:
            os.utime(path, None if valid & 256 else (changed, changed))
        return struct.pack("<QII", 0, 0, 0) + _attributes(path)

    def _rename(self, path: Path, folder: int, names: bytes) -> bytes:
        old, new = (os.fsdecode(name) for name in names.split(b"\0")[:2])
        before, after = path / old, self._paths[folder] / new
        os.replace(before, after)
        number = self._numbers.pop(before, None)
        if number is not None:
            self._numbers[after], self._paths[number] = number, after
        return b""

    def _list(self, path: Path, offset: int, size: int) -> bytes:
        out = b""
        for number, name in enumerate([b".", b"..", *map(os.fsencode, sorted(os.listdir(path)))]):
            entry = struct.pack("<QQII", number + 1, number + 1, len(name), 0) + name
            entry += bytes(-len(entry) % 8)
            if number >= offset and len(out) + len(entry) <= size:
                out += entry
        return out


def _name(body: bytes) -> str:
    return os.fsdecode(body.split(b"\0")[0])


def _attributes(path: Path) -> bytes:
    s = os.lstat(path)
    if not stat.S_ISDIR(s.st_mode) and not stat.S_ISREG(s.st_mode):
        raise OSError(errno.ENOENT, "")
    times = (int(s.st_atime), int(s.st_mtime), int(s.st_ctime))
    parts = tuple(t % 1_000_000_000 for t in (s.st_atime_ns, s.st_mtime_ns, s.st_ctime_ns))
    rest = (s.st_mode, s.st_nlink, s.st_uid, s.st_gid, 0, 4096, 0)
    return struct.pack("<QQQQQQIIIIIIIIII", s.st_ino, s.st_size, s.st_blocks, *times, *parts, *rest)


def main(folder: Path, mount: Path, stall: Path) -> None:
    """Serve until the end."""
    drive = Drive(folder, mount)

    def end(*_: Any) -> None:
        drive.vanish()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    print("mounted", flush=True)
    drive.serve(stall)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
