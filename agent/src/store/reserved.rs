//! A file of redb's whose disk space is reserved in advance.

use std::fs::File;
use std::ops::Bound;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use crate::error::AgentError;
use crate::log;

/// Disk space in bytes that is allocated beyond the end of a file.
const SPARE: u64 = 1024 * 1024;

/// redb's file with the first `reserve` bytes of disk allocated, also beyond the end of the file
/// and after it became shorter: what is reserved cannot be taken by others when the disk is full.
#[derive(Debug)]
pub(super) struct Reserved {
    inner: FileBackend,
    file: File,
    reserve: u64,
}

impl Reserved {
    /// Takes an open file.
    pub(super) fn new(file: File, reserve: u64) -> Result<Self, AgentError> {
        let backend = Self { inner: FileBackend::new(file.try_clone()?)?, file, reserve };
        let length = backend.inner.len()?;
        if let Err(error) = backend.allocate(length) {
            log::warning(format_args!("disk space for the state cannot be reserved: {error}"));
        }
        Ok(backend)
    }

    /// Allocates the reserve, and always a little more than the file is long, so that a full disk
    /// shows when the file would grow and never in the middle of a page.
    fn allocate(&self, length: u64) -> Result<(), std::io::Error> {
        let wanted =
            i64::try_from(self.reserve.max(length.saturating_add(SPARE))).unwrap_or(i64::MAX);
        match fallocate(&self.file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, wanted) {
            // The file system cannot reserve space.
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(()),
            result => Ok(result?),
        }
    }
}

impl StorageBackend for Reserved {
    fn len(&self) -> Result<u64, std::io::Error> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
        if len > self.inner.len()? {
            self.allocate(len)?;
            return self.inner.set_len(len);
        }
        self.inner.set_len(len)?;
        // Truncation released the blocks.
        let _ = self.allocate(len);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), std::io::Error> {
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        self.inner.write(offset, data)
    }

    fn close(&self) -> Result<(), std::io::Error> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
