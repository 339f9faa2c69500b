//! LightDM's greeter: keys go in at the keyboard, and what is on the screen is read from pictures
//! of it (tesseract).

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::{Failure, ward::Ward};

impl Ward {
    /// What can be read on the screen: letters and digits in lower case, runs of everything else as
    /// one blank, as the reader mistakes points and brackets for each other.
    pub fn read_screen(&mut self) -> Result<String, Failure> {
        let file = self.artefact("now.png");
        self.machine()?.qmp.screenshot(&file)?;
        read(&file)
    }

    /// Waits until all `texts` can be read on the screen, and keeps the picture under `name`.
    pub fn until_read(
        &mut self,
        name: &str,
        texts: &[&str],
        patience: Duration,
    ) -> Result<String, Failure> {
        let end = Instant::now() + patience;
        loop {
            let seen = self.read_screen()?;
            if texts.iter().all(|text| seen.contains(&plain(text))) {
                let file = self.picture(name)?;
                return Ok(format!("{}: {seen}", file.file_name().unwrap_or_default().display()));
            }
            if Instant::now() > end {
                self.picture(&format!("{name}-missed"))?;
                let what = format!("{texts:?} on the screen");
                return Err(Failure::Late { what, seconds: patience.as_secs(), seen });
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

/// Two readings, one after the other: as one block of lines (6) and as scattered words (11). Either
/// misses what the other sees.
fn read(file: &Path) -> Result<String, Failure> {
    let mut seen = String::new();
    for way in ["6", "11"] {
        let output = Command::new("tesseract")
            .arg(file)
            .args(["-", "--psm", way])
            // One thread: the emulator needs the others.
            .env("OMP_THREAD_LIMIT", "1")
            .output()
            .map_err(Failure::host("tesseract"))?;
        Failure::unless(output.status.success(), || {
            String::from_utf8_lossy(&output.stderr).into_owned()
        })?;
        seen += &plain(&String::from_utf8_lossy(&output.stdout));
        seen += " | ";
    }
    Ok(seen)
}

fn plain(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_is_read_is_compared_without_what_readers_mistake() {
        assert_eq!(plain("Wrong PIN.\n\n Tries left: 7."), "wrong pin tries left 7");
        assert_eq!(plain("(WK-1203)"), "wk 1203");
    }
}
