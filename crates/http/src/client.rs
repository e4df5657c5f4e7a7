//! A small client: one server, one connection kept open, every answer in time and within its size.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, Request, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A server and the prefix of everything asked of it: `http` or `https`, host, port, path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    secure: bool,
    host: String,
    port: u16,
    prefix: String,
}

/// A text that is not the URL of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not of the form http://host:port/path or https://host/path")]
pub struct InvalidUrl {
    /// The text.
    pub found: String,
}

/// Asks one server. Requests go one after the other over one connection.
pub struct Client {
    base: BaseUrl,
    timeout: Duration,
    connection: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The media type as it was written; empty when there is none.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server could not be reached.
    #[error("could not connect to {server}")]
    Connect {
        /// Its host and port.
        server: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The connection broke, or what came was not HTTP.
    #[error("the exchange with {server} broke off")]
    Broken {
        /// Its host and port.
        server: String,
        /// What the protocol said.
        #[source]
        source: hyper::Error,
    },
    /// The answer did not come in time.
    #[error("{server} did not answer within {} ms", .patience.as_millis())]
    TimedOut {
        /// Its host and port.
        server: String,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The answer is larger than any right one.
    #[error("{server} answered with more than {bytes_max} bytes")]
    TooLarge {
        /// Its host and port.
        server: String,
        /// Bytes that would have been read.
        bytes_max: usize,
    },
    /// The path cannot be asked for.
    #[error("{path:?} is not a path")]
    Path {
        /// The path.
        path: String,
        /// What is not right with it.
        #[source]
        source: axum::http::Error,
    },
    /// There is no way to tell whether a server is who it says it is.
    #[error("TLS cannot be used: {reason}")]
    Tls {
        /// What is missing.
        reason: String,
    },
}

impl FromStr for BaseUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        parse(text).ok_or_else(|| InvalidUrl {
            found: text.chars().take(200).collect(),
        })
    }
}

fn parse(text: &str) -> Option<BaseUrl> {
    let uri: Uri = text.parse().ok()?;
    let secure = match uri.scheme_str()? {
        "http" => false,
        "https" => true,
        _ => return None,
    };
    let authority = uri.authority()?;
    // Names and passwords belong into no URL, and a query is no prefix.
    if authority.as_str().contains('@') || uri.query().is_some() || authority.host().is_empty() {
        return None;
    }
    Some(BaseUrl {
        secure,
        host: authority.host().to_owned(),
        port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
        prefix: uri.path().trim_end_matches('/').to_owned(),
    })
}

impl BaseUrl {
    fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.prefix)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.base)
    }
}

impl Client {
    /// A client of the server at `base` that waits `timeout` for connecting and answer together. Nothing is asked yet.
    #[must_use]
    pub fn new(base: BaseUrl, timeout: Duration) -> Self {
        Self {
            base,
            timeout,
            connection: Mutex::new(None),
        }
    }

    /// The server it asks.
    #[must_use]
    pub const fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Asks for what is at `path` below the base; an answer of more than `bytes_max` is not read.
    ///
    /// # Errors
    /// [`ClientError`] when there is no answer. A status of failure is an answer.
    pub async fn get(&self, path: &str, bytes_max: usize) -> Result<Answer, ClientError> {
        self.ask(Method::GET, path, Bytes::new(), bytes_max).await
    }

    /// Sends `body` to `path` below the base.
    ///
    /// # Errors
    /// As [`Client::get`]. Without an answer it is not known whether the body arrived.
    pub async fn post(
        &self,
        path: &str,
        body: impl Into<Bytes>,
        bytes_max: usize,
    ) -> Result<Answer, ClientError> {
        self.ask(Method::POST, path, body.into(), bytes_max).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        bytes_max: usize,
    ) -> Result<Answer, ClientError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base.prefix))
            .header(header::HOST, self.base.server())
            .header(
                header::USER_AGENT,
                concat!("portbook/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::new(body))
            .map_err(|source| ClientError::Path {
                path: path.to_owned(),
                source,
            })?;
        match timeout(self.timeout, self.exchange(request, bytes_max)).await {
            Ok(answered) => answered,
            Err(_) => Err(ClientError::TimedOut {
                server: self.base.server(),
                patience: self.timeout,
            }),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, bytes_max: usize) -> Result<Answer, ClientError> {
        let mut kept = self.connection.lock().await;
        if let Some(mut sender) = kept.take()
            && sender.ready().await.is_ok()
        {
            match self.exchange_over(&mut sender, request.clone(), bytes_max).await {
                // A server closes what was idle, perhaps at the moment of asking: then the question never arrived.
                Err(ClientError::Broken { source, .. })
                    if source.is_canceled() || source.is_incomplete_message() => {}
                Ok(answer) => {
                    *kept = Some(sender);
                    return Ok(answer);
                }
                failed @ Err(_) => return failed,
            }
        }
        let mut sender = self.connect().await?;
        let answer = self.exchange_over(&mut sender, request, bytes_max).await?;
        // Kept only when the answer was read to its end: the next one begins behind it.
        *kept = Some(sender);
        Ok(answer)
    }

    async fn exchange_over(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        request: Request<Full<Bytes>>,
        bytes_max: usize,
    ) -> Result<Answer, ClientError> {
        let broken = |source| ClientError::Broken {
            server: self.base.server(),
            source,
        };
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = Limited::new(response.into_body(), bytes_max).collect().await;
        let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(source) => broken(*source),
            Err(other) if other.is::<LengthLimitError>() => ClientError::TooLarge {
                server: self.base.server(),
                bytes_max,
            },
            Err(other) => ClientError::Connect {
                server: self.base.server(),
                source: std::io::Error::other(other),
            },
        })?;
        Ok(Answer {
            status,
            content_type,
            body: body.to_bytes(),
        })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let failed = |source| ClientError::Connect {
            server: self.base.server(),
            source,
        };
        // An IPv6 address stands in brackets in a URL, and without them everywhere else.
        let host = self.base.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, self.base.port)).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        if !self.base.secure {
            return self.shake_hands(stream).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| ClientError::Tls {
            reason: error.to_string(),
        })?;
        let stream = TlsConnector::from(trusted_roots()?)
            .connect(name, stream)
            .await
            .map_err(failed)?;
        self.shake_hands(stream).await
    }

    async fn shake_hands<S>(&self, stream: S) -> Result<SendRequest<Full<Bytes>>, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) =
            handshake(TokioIo::new(stream))
                .await
                .map_err(|source| ClientError::Broken {
                    server: self.base.server(),
                    source,
                })?;
        // It ends with the sender, or with the server.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
        Ok(sender)
    }
}

/// The certificates this machine trusts.
fn trusted_roots() -> Result<Arc<ClientConfig>, ClientError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(ClientError::Tls {
            reason: "this machine has no trusted certificates".to_owned(),
        });
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Tls {
            reason: error.to_string(),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_they_are_written() {
        let url: BaseUrl = "http://127.0.0.1:8080/log/".parse().unwrap();
        assert_eq!(url.to_string(), "http://127.0.0.1:8080/log");
        let url: BaseUrl = "https://witness.example".parse().unwrap();
        assert_eq!((url.port, url.secure, url.prefix.as_str()), (443, true, ""));
        let url: BaseUrl = "http://[::1]:9/".parse().unwrap();
        assert_eq!(url.to_string(), "http://[::1]:9");
    }

    #[test]
    fn other_texts_are_no_urls() {
        for text in [
            "",
            "witness.example",
            "/log",
            "ftp://witness.example",
            "http://me@witness.example",
            "http://",
            "http://witness.example/?a",
        ] {
            assert!(text.parse::<BaseUrl>().is_err(), "{text}");
        }
    }
}
