//! Preload library of `hidmock.py`: opening `/dev/hidrawN` gives a connection
//! to a software key, and everything that a FIDO program does with it behaves
//! as on the kernel's hidraw.
//!
//! ```text
//! program ── open("/dev/hidraw0") ─> connect(DIR/hidmock/hidraw0.socket)
//!         ── ioctl(HIDIOCG...) ────> answers from DIR/hidmock/hidraw0.info
//!         ── read, write, poll ────> the socket; EIO and ENODEV once unplugged
//!         ── fstat ────────────────> a character device
//! ```
//!
//! DIR is umockdev's (`UMOCKDEV_DIR`), whose own library comes after this one
//! and redirects directory listings, sysfs, inotify and udev events. umockdev
//! emulates nodes by pseudo terminals: one byte stream for all openers. hidraw
//! gives each opener its own queue of whole reports, and tests with two
//! programs on one key need that.

mod device;
mod hooks;
mod next;
mod table;
