//! Cutting byte streams into messages: JSON objects of a request, gRPC frames of an answer.
//!
//! The scanner looks at each byte once, however small the pieces in which they come.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use tonic::Status;
use tonic::body::Body;

use crate::adapter::http::gateway::too_large;

/// The JSON objects of a request body, one after the other.
pub(crate) struct Objects {
    body: Body,
    bytes: BytesMut,
    bytes_max: usize,
    scan: Scan,
}

/// Where the scanner is in the object that is not complete yet.
#[derive(Debug, Default)]
struct Scan {
    position: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
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

    /// The next object, none at the end of the body.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(length) = self.scan.object_end(&self.bytes)? {
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
                None if self.bytes.iter().all(u8::is_ascii_whitespace) => return Ok(None),
                None => return Err(Status::invalid_argument("unexpected EOF")),
            }
        }
    }
}

impl Scan {
    /// The length of the first object, once all of it is there.
    fn object_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Status> {
        while let Some(&byte) = bytes.get(self.position) {
            self.position += 1;
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'{' | b'[' => self.depth += 1,
                b'"' if self.depth > 0 => self.in_string = true,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Ok(Some(self.position));
                    }
                }
                _ if self.depth > 0 || byte.is_ascii_whitespace() => {}
                _ => {
                    return Err(Status::invalid_argument(format!(
                        "invalid character {:?} looking for beginning of value",
                        char::from(byte)
                    )));
                }
            }
        }
        Ok(None)
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
    fn object_is_cut_at_its_end_however_the_bytes_come() {
        let text = br#" {"a":"}\"{","b":[{}]}{"c":1}"#;
        let mut scan = Scan::default();
        let end = (1..=text.len())
            .find_map(|length| scan.object_end(&text[..length]).expect("well formed"));
        assert_eq!(end, Some(text.len() - 7));
    }

    #[test]
    fn text_outside_an_object_is_refused() {
        assert!(Scan::default().object_end(b" x{}").is_err());
    }
}
