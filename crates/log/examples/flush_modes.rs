//! Measures two ways to make a small write durable in a preallocated file:
//! write and fdatasync, and a write to a file opened with O_DSYNC.
//!
//! `cargo run --example flush_modes -- [folder] [writes]`

use rustix::fs::{Mode, OFlags};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use understudy_log::{Disk, OsDisk};

const WRITE_BYTES: usize = 4096;
const FILE: &str = "flush-modes.probe";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let writes: usize = arguments.next().map_or(Ok(500), |text| text.parse())?;
    let disk = OsDisk::new(&folder);
    let probe = disk.create_new(FILE, (writes * WRITE_BYTES) as u64)?;
    drop(probe);
    let measured = measure(&disk, &folder, writes);
    disk.remove(FILE)?;
    let (fdatasync, dsync) = measured?;
    println!(
        "{writes} writes of {WRITE_BYTES} bytes in {}",
        folder.display()
    );
    println!("write + fdatasync  median {fdatasync:?}");
    println!("O_DSYNC write      median {dsync:?}");
    println!(
        "ratio              {:.2}",
        fdatasync.as_secs_f64() / dsync.as_secs_f64()
    );
    Ok(())
}

fn measure(
    disk: &OsDisk,
    folder: &Path,
    writes: usize,
) -> Result<(Duration, Duration), Box<dyn Error>> {
    let bytes = [1; WRITE_BYTES];
    let file = disk.open(FILE)?;
    let fdatasync = median(writes, |offset| {
        disk.write_at(&file, offset, &bytes)?;
        Ok(disk.sync_data(&file)?)
    })?;
    let flags = OFlags::WRONLY | OFlags::DSYNC;
    let file = rustix::fs::open(folder.join(FILE), flags, Mode::empty())?;
    let dsync = median(writes, |offset| {
        let written = rustix::io::pwrite(&file, &bytes, offset)?;
        assert_eq!(written, WRITE_BYTES, "a regular file takes the whole write");
        Ok(())
    })?;
    Ok((fdatasync, dsync))
}

fn median(
    writes: usize,
    mut write: impl FnMut(u64) -> Result<(), Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let mut times = Vec::with_capacity(writes);
    for number in 0..writes {
        let start = now();
        write((number * WRITE_BYTES) as u64)?;
        times.push(now().saturating_sub(start));
    }
    times.sort();
    Ok(times.get(writes / 2).copied().unwrap_or_default())
}

fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
