//! A study's folder: what it is, its trials, and their results.

use super::description::{Study, VERSION};
use super::schedule::Results;
use crate::score::Record;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// A study's folder.
#[derive(Clone, Debug)]
pub struct StudyFolder {
    dir: PathBuf,
}

impl StudyFolder {
    /// The folder at `dir`, which need not be there.
    pub fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn file(&self) -> PathBuf {
        self.dir.join("study.toml")
    }

    /// What the study is; `None` where there is none yet.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn study(&self) -> Result<Option<Study>> {
        let path = self.file();
        if !path.is_file() {
            return Ok(None);
        }
        let read = || -> Result<Study> {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut detach_files::open(&path)?, &mut text)?;
            let study: Study = toml::from_str(&text)?;
            ensure!(
                study.version <= VERSION,
                "it is of version {}, and this program knows versions up to {VERSION}",
                study.version
            );
            study.check()?;
            Ok(study)
        };
        let study = read().with_context(|| format!("cannot use the study {}", path.display()))?;
        Ok(Some(study))
    }

    /// Writes what the study is, and makes the folder for it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, study: &Study) -> Result<()> {
        let text = toml::to_string(study).context("a study as TOML")?;
        let making = || format!("cannot make the folder {}", self.dir.display());
        fs::create_dir_all(&self.dir).with_context(making)?;
        detach_files::write(&self.file(), |file| file.write_all(text.as_bytes()))?;
        Ok(())
    }

    /// The folder of a trial's run.
    pub fn run(&self, trial: usize) -> PathBuf {
        self.dir.join(format!("trial-{trial:03}"))
    }

    /// Where it stands what a trial came to after so many steps.
    pub fn record(&self, trial: usize, steps: u64) -> PathBuf {
        self.dir.join(format!("trial-{trial:03}-{steps}.json"))
    }

    /// What trials came to so far.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn results(&self) -> Result<Results> {
        let mut results = Results::new();
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some((trial, steps)) = name.to_str().and_then(numbers) else {
                continue;
            };
            if let Some(record) = Record::read(&entry.path())? {
                results.insert((trial, steps), record);
            }
        }
        Ok(results)
    }
}

/// Trial and steps of a record's name.
fn numbers(name: &str) -> Option<(usize, u64)> {
    let rest = name.strip_prefix("trial-")?.strip_suffix(".json")?;
    let (trial, steps) = rest.split_once('-')?;
    Some((trial.parse().ok()?, steps.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::param::Param;
    use super::*;
    use crate::score::{Data, Scores};

    fn study() -> Study {
        let params = ["lr=log:1e-5..1e-3", "g-widths=[64],[128, 256]"];
        let params = params.map(|text| Param::parse(text).expect(text)).into();
        Study::new("mlp", params, "energy", 1000)
    }

    #[test]
    fn a_study_survives_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = StudyFolder::at(&folder.path().join("below/study"));
        assert!(folder.study().expect("nothing").is_none());
        assert!(folder.results().expect("nothing").is_empty());
        let mut study = study();
        study.seed = u64::MAX;
        for halving in [None, Some(3)] {
            study.halving = halving;
            folder.write(&study).expect("written");
            assert_eq!(folder.study().expect("read"), Some(study.clone()));
        }
        let data = Data {
            source: "digits".to_owned(),
            checksum: None,
        };
        let record = Record::new(50, data, Ok(Scores::new()));
        record.write(&folder.record(1007, 50)).expect("written");
        fs::create_dir(folder.run(7)).expect("a run");
        let results = folder.results().expect("read");
        assert_eq!(
            results.into_iter().collect::<Vec<_>>(),
            [((1007, 50), record)]
        );
    }
}
