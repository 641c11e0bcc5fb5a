//! Cutting byte streams into messages: JSON values of a request, gRPC frames of an answer.
//!
//! The scanner looks at each byte once, however small the pieces in which they come.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use tonic::Status;
use tonic::body::Body;

use crate::adapter::http::gateway::too_large;
use crate::adapter::http::syntax::{Seen, Syntax};

/// The JSON values of a request body, one after the other.
pub(crate) struct Objects {
    body: Body,
    bytes: BytesMut,
    bytes_max: usize,
    scan: Scan,
}

/// Where the first value of some bytes ends, however they come.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    position: usize,
    /// The first byte of the value was seen.
    begun: bool,
    syntax: Syntax,
}

/// The gRPC frames of a response body.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: BytesMut,
}

impl Objects {
    pub(crate) fn new(body: Body, bytes_max: usize) -> Self {
        Self {
            body,
            bytes: BytesMut::new(),
            bytes_max,
            scan: Scan::default(),
        }
    }

    /// The next value, none at the end of the body.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(length) = self.scan.value_end(&self.bytes)? {
                self.scan = Scan::default();
                return Ok(Some(self.bytes.split_to(length).freeze()));
            }
            if self.bytes.len() > self.bytes_max {
                return Err(too_large(self.bytes.len(), self.bytes_max));
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.bytes.extend_from_slice(&data);
                    }
                }
                None => {
                    let length = self.scan.last_value_end(&self.bytes)?;
                    self.scan = Scan::default();
                    return Ok(length.map(|length| self.bytes.split_to(length).freeze()));
                }
            }
        }
    }
}

impl Scan {
    /// The length of the first value, once all of it is there.
    fn value_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Status> {
        while let Some(&byte) = bytes.get(self.position) {
            let seen = self.syntax.see(byte).map_err(Status::invalid_argument)?;
            self.begun |= !byte.is_ascii_whitespace();
            match seen {
                Seen::More => self.position += 1,
                Seen::End => return Ok(Some(self.position + 1)),
                Seen::EndBefore => return Ok(Some(self.position)),
            }
        }
        Ok(None)
    }

    /// The length of the first value of bytes after which none come; none if there is none.
    pub(crate) fn last_value_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Status> {
        match self.value_end(bytes)? {
            Some(length) => Ok(Some(length)),
            None if self.syntax.may_end() => Ok(Some(bytes.len())),
            None if self.begun => Err(Status::invalid_argument("unexpected EOF")),
            None => Ok(None),
        }
    }
}

impl Frames {
    /// Compression flag and length.
    pub(crate) const HEAD_BYTES: usize = 5;

    pub(crate) fn push(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    /// The next complete message.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Status> {
        let Some((&[flag, a, b, c, d], rest)) = self.bytes.split_first_chunk() else {
            return Ok(None);
        };
        if flag != 0 {
            return Err(Status::internal("a compressed answer was not asked for"));
        }
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if rest.len() < length {
            return Ok(None);
        }
        self.bytes.advance(Self::HEAD_BYTES);
        Ok(Some(self.bytes.split_to(length).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_cut_at_its_end_however_the_bytes_come() {
        let text = br#" {"a":"}\"{","b":[{}]}{"c":1}"#;
        let mut scan = Scan::default();
        let end = (1..=text.len())
            .find_map(|length| scan.value_end(&text[..length]).expect("well formed"));
        assert_eq!(end, Some(text.len() - 7));
    }

    #[test]
    fn last_value_is_whole_or_there_is_none() {
        let end = |text: &[u8]| Scan::default().last_value_end(text);
        assert_eq!(end(b" 15").expect("whole"), Some(3));
        assert_eq!(end(b" \n").expect("nothing"), None);
        assert_eq!(end(b"{").expect_err("half").message(), "unexpected EOF");
        assert!(end(b" x{}").is_err());
    }
}
