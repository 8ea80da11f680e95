//! One file on its way: `NAME.part`, which grows, is continued, is judged and gets its name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, StatusCode, header};

use super::agent::Agents;
use super::error::{Attempt, FetchError, local};
use super::remote::{Progress, RemoteFile};
use super::verify::{has_hash, present};

/// How often it is asked whether another process has finished.
const POLL: Duration = Duration::from_millis(100);

/// How often a file is opened anew that was not at its path any more. A file system that never says so has no numbers for files.
const ROUNDS: u32 = 100;

/// The bytes of a file that have arrived, locked against other processes.
pub(super) struct Part<'a> {
    folder: &'a Path,
    file: &'a RemoteFile,
    path: PathBuf,
    bytes: File,
}

/// How a mirror answered, where it did not simply fail.
enum Answer {
    /// The stream came to its end, behind bytes of an earlier download if `resumed`.
    Complete { resumed: bool },
    /// It has nothing behind the bytes that are there.
    RangeRefused,
}

/// Why a mirror did not give the file.
enum Trouble {
    /// Its own fault, or that of the way to it: the next mirror may do better.
    Mirror(String),
    /// The disk: no mirror will help.
    Local(FetchError),
}

impl<'a> Part<'a> {
    /// Takes up or begins the file's `.part`, as soon as no other process has it. `patience` is how long one that gets no further
    /// is waited for; `progress` hears of the waiting.
    pub(super) fn open(
        folder: &'a Path,
        file: &'a RemoteFile,
        patience: Duration,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, FetchError> {
        let path = folder.join(format!("{}.part", file.name));
        let mut rounds = 0..ROUNDS;
        loop {
            let bytes = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(local(&path))?;
            let part = Self {
                folder,
                file,
                path: path.clone(),
                bytes,
            };
            part.lock(patience, progress)?;
            // Whoever had it before may have renamed it or taken it away.
            if part.is_at_its_path() || rounds.next().is_none() {
                return Ok(part);
            }
        }
    }

    fn lock(
        &self,
        patience: Duration,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), FetchError> {
        let (mut arrived, mut since) = (0, Instant::now());
        loop {
            match self.bytes.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => {}
                // Some network file systems have no locks. Two downloads at once would then spoil each
                // other's bytes, and the hash would tell.
                Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Unsupported => {
                    return Ok(());
                }
                Err(TryLockError::Error(cause)) => return Err(local(&self.path)(cause)),
            }
            let bytes = self.bytes.metadata().map_err(local(&self.path))?.len();
            if bytes != arrived {
                (arrived, since) = (bytes, Instant::now());
            }
            if since.elapsed() >= patience {
                return Err(FetchError::Busy {
                    path: self.folder.join(&*self.file.name),
                });
            }
            progress(Progress {
                file: &self.file.name,
                bytes,
                total: None,
                waiting: true,
            });
            std::thread::sleep(POLL);
        }
    }

    #[cfg(unix)]
    fn is_at_its_path(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let which = |data: fs::Metadata| (data.dev(), data.ino());
        let there = fs::metadata(&self.path).map(which).ok();
        there.is_some() && there == self.bytes.metadata().map(which).ok()
    }

    /// An open file can neither be renamed nor removed by others.
    #[cfg(not(unix))]
    fn is_at_its_path(&self) -> bool {
        true
    }

    /// Gets the file from the first mirror that has it, from the `preferred` one on. `false` says that
    /// another process has finished it in the meantime.
    pub(super) fn fetch(
        mut self,
        agents: &Agents,
        mirrors: &[String],
        preferred: &mut usize,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<bool, FetchError> {
        // Asked again under the lock: another process may have finished while this one waited.
        if present(self.folder, self.file)?.is_some() {
            self.remove_if_empty();
            return Ok(false);
        }
        let mut attempts = Vec::new();
        for i in 0..mirrors.len() {
            let at = (*preferred + i) % mirrors.len();
            let url = format!("{}/{}", mirrors[at].trim_end_matches('/'), self.file.name);
            match self.fetch_from(agents.for_url(&url), &url, progress) {
                Ok(()) => {
                    *preferred = at;
                    return self.finish().map(|()| true);
                }
                Err(Trouble::Mirror(cause)) => {
                    tracing::info!("{url}: {cause}");
                    attempts.push(Attempt { url, cause });
                }
                Err(Trouble::Local(cause)) => return Err(cause),
            }
        }
        self.remove_if_empty();
        let (file, folder) = (self.file.name.to_string(), self.folder.to_owned());
        Err(FetchError::Mirrors {
            file,
            folder,
            attempts,
        })
    }

    /// Gets the whole file from one mirror and checks it. Bytes of an earlier download that do not
    /// lead to the right content are given up once; after that the mirror is at fault.
    fn fetch_from(
        &mut self,
        agent: &ureq::Agent,
        url: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Trouble> {
        let mut start = self.len()?;
        loop {
            let answer = self.transfer(agent, url, start, progress)?;
            if matches!(answer, Answer::Complete { .. }) && self.is_right()? {
                return Ok(());
            }
            self.truncate(0)?;
            match answer {
                Answer::Complete { resumed: true } => start = 0,
                Answer::RangeRefused if start > 0 => start = 0,
                Answer::RangeRefused => return Err(trouble("it refuses to send the file")),
                Answer::Complete { resumed: false } => {
                    return Err(trouble(
                        "what it sends is not the file (SHA-256 differs); removed",
                    ));
                }
            }
        }
    }

    /// One request; what arrives is written behind the first `start` bytes. A stream that breaks off
    /// leaves what came of it.
    fn transfer(
        &mut self,
        agent: &ureq::Agent,
        url: &str,
        start: u64,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Answer, Trouble> {
        let mut request = agent.get(url);
        if start > 0 {
            request = request.header(header::RANGE, format!("bytes={start}-"));
        }
        let response = request.call().map_err(|cause| trouble(cause.to_string()))?;
        let resumed = match response.status() {
            StatusCode::OK => false,
            StatusCode::PARTIAL_CONTENT if begins_at(response.headers(), start) => true,
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                return Ok(Answer::RangeRefused);
            }
            status => return Err(trouble(format!("it answers {status}"))),
        };

        let start = if resumed { start } else { 0 };
        self.truncate(start)?;
        let body = response.into_body();
        let total = body.content_length().map(|length| start + length);
        self.receive(body.into_reader(), start, total, progress)?;
        Ok(Answer::Complete { resumed })
    }

    fn receive(
        &mut self,
        mut body: impl Read,
        start: u64,
        total: Option<u64>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Trouble> {
        let file = &*self.file.name;
        // gzip adds a little even to what it cannot compress.
        let limit = self.file.unpacked + self.file.unpacked / 100 + (1 << 16);
        let mut bytes = start;
        let mut buffer = vec![0; 1 << 16];
        loop {
            progress(Progress {
                file,
                bytes,
                total,
                waiting: false,
            });
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => {
                    return Err(trouble(format!(
                        "it broke off after {bytes} bytes ({cause})"
                    )));
                }
            };
            self.bytes
                .write_all(&buffer[..read])
                .map_err(|cause| self.local(cause))?;
            bytes += read as u64;
            if bytes > limit {
                self.truncate(0)?;
                return Err(trouble(format!("it sends more than {limit} bytes")));
            }
        }
        match total {
            Some(total) if bytes < total => Err(trouble(format!(
                "it broke off after {bytes} of {total} bytes"
            ))),
            _ => Ok(()),
        }
    }

    fn is_right(&mut self) -> Result<bool, Trouble> {
        self.bytes
            .seek(SeekFrom::Start(0))
            .map_err(|cause| self.local(cause))?;
        Ok(has_hash(&self.bytes, true, self.file))
    }

    /// Gives the file its name once it is on the disk.
    fn finish(self) -> Result<(), FetchError> {
        let target = self.folder.join(&*self.file.name);
        self.bytes.sync_all().map_err(local(&self.path))?;
        detach_files::rename(&self.path, &target).map_err(|error| local(&target)(error.cause))
    }

    fn len(&self) -> Result<u64, Trouble> {
        self.bytes
            .metadata()
            .map(|data| data.len())
            .map_err(|cause| self.local(cause))
    }

    /// Keeps the first `length` bytes; the next write goes behind them.
    fn truncate(&mut self, length: u64) -> Result<(), Trouble> {
        self.bytes
            .set_len(length)
            .and_then(|()| self.bytes.seek(SeekFrom::Start(length)))
            .map(drop)
            .map_err(|cause| self.local(cause))
    }

    /// A `.part` with nothing in it has nothing to continue. Failing to remove it harms nobody.
    fn remove_if_empty(&self) {
        if self.len().is_ok_and(|length| length == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }

    fn local(&self, cause: io::Error) -> Trouble {
        Trouble::Local(local(&self.path)(cause))
    }
}

fn trouble(cause: impl Into<String>) -> Trouble {
    Trouble::Mirror(cause.into())
}

/// Whether `Content-Range: bytes START-…` begins where it was asked to.
fn begins_at(headers: &HeaderMap, start: u64) -> bool {
    headers
        .get(header::CONTENT_RANGE)
        .and_then(|range| range.to_str().ok())
        .and_then(|range| range.trim().strip_prefix("bytes "))
        .and_then(|range| range.split('-').next())
        .is_some_and(|first| first.trim().parse() == Ok(start))
}
