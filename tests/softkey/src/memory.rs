//! The key's flash: an image in memory, written through to a file where it has
//! to outlive the process. It outlives the firmware in any case, as a power
//! cycle (pulled out, plugged in again) must find what was written.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use littlefs2::{
    consts::{U8, U512},
    driver::Storage,
    io::{Error as FsError, Result as FsResult},
};
use trussed::virt::{StorageConfig, StoreConfig};

use crate::error::Error;

const BLOCK: usize = 512;
const BLOCKS: usize = 512;
const LENGTH: usize = BLOCK * BLOCKS;

/// Both flash chips of a key.
#[derive(Clone)]
pub(crate) struct Memory {
    internal: Flash,
    external: Flash,
}

impl Memory {
    /// Of the folder, made if it is missing; without one, in RAM and empty.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, Error> {
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        let flash = |name: &str| Flash::open(folder.map(|folder| folder.join(name)).as_deref());
        Ok(Self { internal: flash("internal.img")?, external: flash("external.img")? })
    }

    /// As the firmware mounts it.
    pub(crate) fn store(&self) -> StoreConfig<'static> {
        StoreConfig {
            internal: self.internal.config(),
            external: self.external.config(),
            volatile: StorageConfig::ram(),
        }
    }
}

#[derive(Clone)]
struct Flash(Arc<Mutex<Image>>);

struct Image {
    bytes: Vec<u8>,
    file: Option<File>,
    /// Nothing has been written yet, not even a file system.
    blank: bool,
}

impl Flash {
    fn open(path: Option<&Path>) -> Result<Self, Error> {
        let mut image = Image { bytes: vec![0xFF; LENGTH], file: None, blank: true };
        if let Some(path) = path {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false);
            let file = file.open(path).map_err(Error::io(path))?;
            match file.metadata().map_err(Error::io(path))?.len() {
                0 => file.write_all_at(&image.bytes, 0).map_err(Error::io(path))?,
                length if length == LENGTH as u64 => {
                    file.read_exact_at(&mut image.bytes, 0).map_err(Error::io(path))?;
                    // A process that died between making the file and the file
                    // system in it leaves erased flash.
                    image.blank = image.bytes.iter().all(|byte| *byte == 0xFF);
                }
                _ => return Err(Error::State(path.into())),
            }
            image.file = Some(file);
        }
        Ok(Self(Arc::new(Mutex::new(image))))
    }

    fn config(&self) -> StorageConfig<'static> {
        let format = std::mem::take(&mut self.lock().blank);
        StorageConfig { storage: Box::new(self.clone()), format }
    }

    fn lock(&self) -> MutexGuard<'_, Image> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Image {
    fn put(&mut self, offset: usize, data: impl Fn(&mut [u8]), length: usize) -> FsResult<usize> {
        let bytes = self.bytes.get_mut(offset..offset + length).ok_or(FsError::NO_SPACE)?;
        data(bytes);
        if let Some(file) = &self.file {
            file.write_all_at(bytes, offset as u64).map_err(|_| FsError::IO)?;
        }
        Ok(length)
    }
}

impl Storage for Flash {
    const READ_SIZE: usize = 16;
    const WRITE_SIZE: usize = 16;
    const BLOCK_SIZE: usize = BLOCK;
    const BLOCK_COUNT: usize = BLOCKS;
    type CACHE_SIZE = U512;
    type LOOKAHEAD_SIZE = U8;

    fn read(&mut self, offset: usize, buffer: &mut [u8]) -> FsResult<usize> {
        let image = self.lock();
        let bytes = image.bytes.get(offset..offset + buffer.len()).ok_or(FsError::IO)?;
        buffer.copy_from_slice(bytes);
        Ok(buffer.len())
    }

    fn write(&mut self, offset: usize, data: &[u8]) -> FsResult<usize> {
        self.lock().put(offset, |bytes| bytes.copy_from_slice(data), data.len())
    }

    fn erase(&mut self, offset: usize, length: usize) -> FsResult<usize> {
        self.lock().put(offset, |bytes| bytes.fill(0xFF), length)
    }
}
