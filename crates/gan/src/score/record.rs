//! What a run came to, as a file.

use super::Scores;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The version of the file.
const VERSION: u32 = 1;

/// What a run came to at a step: its scores, or why it has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Record {
    /// The version of this file.
    version: u32,
    /// Steps done.
    pub steps: u64,
    /// What it was trained on.
    pub data: Data,
    /// Its scores; none where it failed.
    pub scores: Scores,
    /// Why it failed: it diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// What a run was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Data {
    /// In words.
    pub source: String,
    /// CRC-32C of it; none of a distribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<u32>,
}

impl Record {
    /// The record of a run that has these scores after so many steps, or of one that failed.
    pub fn new(steps: u64, data: Data, result: Result<Scores, String>) -> Self {
        let (scores, failed) = match result {
            Ok(scores) => (scores, None),
            Err(why) => (Scores::new(), Some(why)),
        };
        Self {
            version: VERSION,
            steps,
            data,
            scores,
            failed,
        }
    }

    /// Reads the record at `path`; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is none that this program knows.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        if !path.is_file() {
            return Ok(None);
        }
        let read = || -> Result<Self> {
            let record: Self = serde_json::from_reader(detach_files::open(path)?)?;
            ensure!(
                record.version <= VERSION,
                "it is of version {}, and this program knows versions up to {VERSION}",
                record.version
            );
            Ok(record)
        };
        let context = || {
            format!(
                "cannot use {}; remove it, and it is made again",
                path.display()
            )
        };
        read().map(Some).with_context(context)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("a record as JSON")?;
        detach_files::write(path, |file| writeln!(file, "{text}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_to_the_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("record.json");
        assert_eq!(Record::read(&path).expect("nothing"), None);
        let data = Data {
            source: "digits".to_owned(),
            checksum: Some(7),
        };
        // A reader of JSON that is fast and not exact is off by one digit in some of these.
        let scores =
            (1..2000).map(|i| (i.to_string(), (f64::from(i) * 0.731).sin() / f64::from(i)));
        let scores: Scores = scores.collect();
        for result in [Ok(scores), Err("diverged".to_owned())] {
            let record = Record::new(9, data.clone(), result);
            record.write(&path).expect("written");
            assert_eq!(Record::read(&path).expect("read"), Some(record));
        }
        std::fs::write(&path, "{").expect("a file");
        Record::read(&path).expect_err("no record");
    }
}
