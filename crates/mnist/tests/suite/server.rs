//! A web server on the loopback device that does exactly what a test tells it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// N of `Range: bytes=N-`.
    pub(crate) range: Option<usize>,
}

/// What the server answers.
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
    /// Sends only this much of the body, then closes the connection.
    pub(crate) cut: Option<usize>,
}

impl Answer {
    /// 200 with the whole body, whatever was asked for.
    pub(crate) fn whole(body: &[u8]) -> Self {
        Self {
            status: "200 OK",
            headers: vec![],
            body: body.to_vec(),
            cut: None,
        }
    }

    /// 206 with what the request wants of the body, or 200 where it wants all.
    pub(crate) fn part(body: &[u8], request: &Request) -> Self {
        let Some(start) = request.range else {
            return Self::whole(body);
        };
        if start >= body.len() {
            return Self::status("416 Range Not Satisfiable");
        }
        let range = format!(
            "Content-Range: bytes {start}-{}/{}",
            body.len() - 1,
            body.len()
        );
        Self {
            status: "206 Partial Content",
            headers: vec![range],
            ..Self::whole(&body[start..])
        }
    }

    /// A status and no body.
    pub(crate) fn status(status: &'static str) -> Self {
        Self {
            status,
            ..Self::whole(&[])
        }
    }

    pub(crate) fn cut_after(self, bytes: usize) -> Self {
        Self {
            cut: Some(bytes),
            ..self
        }
    }
}

/// A running server; it ends with the process.
pub(crate) struct Server {
    pub(crate) url: String,
    log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// `answer` gets each request and the number of requests before it.
    pub(crate) fn start(answer: impl Fn(&Request, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/mnist/", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&log);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let Some(request) = read(&stream) else {
                    continue;
                };
                let before = {
                    let mut requests = requests.lock().unwrap();
                    requests.push(request.clone());
                    requests.len() - 1
                };
                // A client that hangs up early is a client's right.
                let _ = send(stream, &answer(&request, before));
            }
        });
        Self { url, log }
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut range = None;
    for line in lines {
        let line = line.ok()?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("range: bytes=") {
            range = value.trim_end_matches('-').parse().ok();
        }
    }
    Some(Request { path, range })
}

fn send(mut stream: TcpStream, answer: &Answer) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {}\r\nConnection: close\r\n",
        answer.status
    )?;
    write!(stream, "Content-Length: {}\r\n", answer.body.len())?;
    for header in &answer.headers {
        write!(stream, "{header}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(&answer.body[..answer.cut.unwrap_or(answer.body.len())])?;
    stream.flush()
}
