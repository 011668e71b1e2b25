# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images show the same ground: by georeference where there is one, else by what they show.

Images without a georeference are searched for places that look alike: corners are picked over all of each image, the
patch around each is compared with those of all other images, and a pair of images in which several corners agree on one
shift is checked pixel by pixel at full resolution. Brightness and contrast may differ, compression too.

What this cannot see: images whose pixels differ in size by more than 2 % or that are turned against each other by more
than 1 degree, a common strip narrower than some 50 pixels (of the reduced images: many or large images are reduced to
about 30 million pixels in all), ground without anything on it (water, sand), and ground that changed between two dates.
"""
