//! The door of a front: TLS is begun here, and whoever speaks the wrong language is told so.
//!
//! A peer that speaks plain text to a TLS address, or TLS to a plain one, gets an answer in its own
//! language that says what to type, and the log has a line about it, at most one in a while.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::adapter::http::front::Limits;
use crate::adapter::http::socket::{Replayed, Socket};
use crate::adapter::log::Rarely;
use crate::adapter::tls::{self, Caller, TlsError};

/// What a peer may take to take a refusal; it is one packet.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

const SPEAK_TLS: &str = "this address speaks TLS: write https:// instead of http://";

/// Text to who speaks TLS: its library takes it for a record that is none, which it tells.
const SPEAK_PLAIN_TEXT: &str = "this address speaks plain text: write http:// instead of https://";

/// What the connections of one front share before they are served.
pub(crate) struct Doorman {
    pub(crate) limits: Limits,
    handshakes: Semaphore,
    plain: Rarely,
    secure: Rarely,
    failed: Rarely,
}

impl Doorman {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            handshakes: Semaphore::new(limits.handshakes_max),
            plain: Rarely::default(),
            secure: Rarely::default(),
            failed: Rarely::default(),
        }
    }

    /// Brings a connection to TLS; none if that cannot be.
    pub(crate) async fn secure(
        &self,
        mut socket: Socket,
        tls: &tls::Server,
    ) -> Option<(Socket, Option<Caller>)> {
        let from = socket.peer();
        let mut ahead = BytesMut::with_capacity(4096);
        match timeout(self.limits.first_byte_timeout, socket.read_buf(&mut ahead)).await {
            Ok(Ok(read)) if read > 0 => {}
            _ => return None,
        }
        let deadline = Instant::now() + self.limits.handshake_timeout;
        if ahead[0] != tls::FIRST_BYTE {
            if let Some(untold) = self.plain.due() {
                tracing::warn!(from, untold, "a client speaks plain text to a TLS address");
            }
            answer(&mut socket, &refusal_of_plain_text(&ahead)).await;
            return None;
        }
        // Only those who have begun count, so that silent peers do not keep others waiting.
        let place = timeout_at(deadline, self.handshakes.acquire()).await;
        let Ok(Ok(_place)) = place else {
            self.tell(&from, &TlsError::Late(self.limits.handshake_timeout));
            return None;
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let replayed = Replayed::new(ahead.freeze(), socket, self.limits.stall_timeout);
        match tls.accept_caller(replayed, left).await {
            Ok((secured, caller)) => Some((Socket::Tls(Box::new(secured)), caller)),
            Err(error) => {
                self.tell(&from, &error);
                None
            }
        }
    }

    fn tell(&self, from: &str, error: &TlsError) {
        // Port scanners and health checks that only connect are nobody's concern.
        if matches!(error, TlsError::Ended(_)) {
            return tracing::debug!(from, %error, "no TLS with a client");
        }
        if let Some(untold) = self.failed.due() {
            tracing::warn!(from, %error, untold, "no TLS with a client");
        }
    }

    /// Turns a peer away that speaks TLS to a plain address.
    pub(crate) async fn refuse_tls(&self, mut socket: Socket) {
        if let Some(untold) = self.secure.due() {
            let from = socket.peer();
            tracing::warn!(from, untold, "a client speaks TLS to a plain-text address");
        }
        answer(&mut socket, &bad_request(SPEAK_PLAIN_TEXT)).await;
    }
}

/// What somebody who speaks plain text is told: of HTTP/2 the frames that end a connection with a
/// reason (RFC 9113, sections 6.5 and 6.8), else HTTP/1.1.
fn refusal_of_plain_text(ahead: &[u8]) -> Bytes {
    if !ahead.starts_with(b"PRI") {
        return bad_request(SPEAK_TLS);
    }
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const HTTP_1_1_REQUIRED: u32 = 13;
    let length = (8 + SPEAK_TLS.len()) as u32;
    let mut frames = BytesMut::from(&SETTINGS[..]);
    frames.extend_from_slice(&length.to_be_bytes()[1..]);
    frames.extend_from_slice(&[7, 0, 0, 0, 0, 0]);
    frames.extend_from_slice(&0_u32.to_be_bytes());
    frames.extend_from_slice(&HTTP_1_1_REQUIRED.to_be_bytes());
    frames.extend_from_slice(SPEAK_TLS.as_bytes());
    frames.freeze()
}

fn bad_request(why: &str) -> Bytes {
    let length = why.len() + 1;
    format!(
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\
         Content-Length: {length}\r\n\r\n{why}\n"
    )
    .into()
}

/// Best effort: the peer is turned away in any case.
async fn answer(socket: &mut Socket, bytes: &[u8]) {
    let say = async {
        socket.write_all(bytes).await?;
        socket.shutdown().await?;
        // Until it has read: a connection that is closed with bytes unread is reset, and takes the
        // answer along.
        let mut rest = [0; 4096];
        while socket.read(&mut rest).await? > 0 {}
        Ok::<(), io::Error>(())
    };
    let _ = timeout(REFUSAL_TIMEOUT, say).await;
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tokio::net::UnixStream;

    use super::*;
    use crate::adapter::authority::{Authority, Grant, request};
    use crate::adapter::tls::{Client, Clients, Identity, Roots, Servers};
    use crate::core::cluster::trust::Bearer;

    fn sides() -> (tls::Server, Client) {
        let authority = Authority::found("tested", SystemTime::now()).expect("made");
        let asked = request().expect("made");
        let grant = Grant {
            bearer: Bearer::node("m1").expect("a name"),
            hosts: vec!["db1".to_owned()],
            now: SystemTime::now(),
            validity: Duration::from_secs(60),
        };
        let signed = authority.sign(&asked.request_pem, &grant).expect("signed");
        let identity = Identity::from_pem(signed.as_bytes(), asked.key_pem.as_bytes());
        let server = tls::Server::new(&identity.expect("fits"), &Clients::Anybody);
        let roots = Roots::from_pem(authority.certificate_pem().as_bytes()).expect("one");
        let client = Client::new(Servers::Signed(roots), None);
        (server.expect("made"), client.expect("made"))
    }

    fn doorman() -> Doorman {
        Doorman::new(Limits {
            handshakes_max: 1,
            handshake_timeout: Duration::from_millis(50),
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn handshake_that_does_not_go_on_is_given_up() {
        let (mut near, far) = UnixStream::pair().expect("a pair");
        near.write_all(&[tls::FIRST_BYTE]).await.expect("written");
        let (server, _) = sides();
        assert!(doorman().secure(Socket::Unix(far), &server).await.is_none());
    }

    #[tokio::test]
    async fn handshake_without_a_place_is_given_up_and_the_next_with_one_is_not() {
        let (server, client) = sides();
        let limit = Duration::from_secs(10);
        let doorman = Doorman::new(Limits {
            handshake_timeout: limit,
            ..doorman().limits
        });
        let hasty = self::doorman();
        let place = hasty.handshakes.acquire().await.expect("open");
        let (near, far) = UnixStream::pair().expect("a pair");
        let (refused, heard) = tokio::join!(
            hasty.secure(Socket::Unix(far), &server),
            client.connect("db1", near, limit)
        );
        assert!(refused.is_none() && heard.is_err());
        drop(place);
        let (near, far) = UnixStream::pair().expect("a pair");
        let (secured, heard) = tokio::join!(
            doorman.secure(Socket::Unix(far), &server),
            client.connect("db1", near, limit)
        );
        assert!(secured.is_some() && heard.is_ok());
    }

    #[test]
    fn plain_http2_is_told_in_frames_and_the_rest_in_text() {
        let frames = refusal_of_plain_text(b"PRI * HTTP/2.0");
        assert_eq!(frames[3], 4, "SETTINGS first");
        let length = u32::from_be_bytes([0, frames[9], frames[10], frames[11]]) as usize;
        assert_eq!((frames[12], frames.len()), (7, 9 + 9 + length));
        assert!(frames.ends_with(SPEAK_TLS.as_bytes()));
        assert!(refusal_of_plain_text(b"GET / HTTP/1.1").starts_with(b"HTTP/1.1 400 "));
    }
}
