//! A byte stream that holds writes back until everything else that is ready has run.
//!
//! HTTP/2 writes each frame once it has it, and a runtime runs a task that was just woken next: of
//! a hundred answers that are ready together each head and each body would be a system call and a
//! segment of its own. Here they are gathered, and written once the runtime has nothing left to run
//! or looks at its sockets again. Where nothing else is to be done that look is all the delay.
//!
//! - A flush is answered at once. What it should have written is written when the task that asked
//!   for it runs again, for which it is woken: it must then read, write or flush, as a task that
//!   drives an HTTP/2 connection does.
//! - What is held back is bounded: more goes through, and all of it before the stream is shut down.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use bytes::{Buf, BytesMut};
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Some of the largest frames that HTTP/2 peers allow each other by default: one system call writes
/// them, and one reads them.
const HELD_BYTES_MAX: usize = 64 << 10;

/// What a connection keeps for the next time: there may be thousands of them.
const KEPT_BYTES_MAX: usize = 16 << 10;

/// A stream whose writes are gathered.
#[derive(Debug)]
pub(super) struct Corked<S> {
    stream: S,
    held: BytesMut,
    /// Whether the end of the turn is waited for.
    is_waiting: bool,
    turn: Arc<Turn>,
    /// The turn itself, as what the runtime wakes.
    waker: Waker,
}

/// From a flush until the runtime has run what was ready then.
#[derive(Debug, Default)]
struct Turn {
    is_over: AtomicBool,
    /// Whoever drives the stream; not a plain waker, because that may change hands meanwhile.
    task: AtomicWaker,
}

impl<S> Corked<S> {
    pub(super) fn new(stream: S) -> Self {
        let turn = Arc::<Turn>::default();
        Self {
            stream,
            held: BytesMut::new(),
            is_waiting: false,
            waker: Waker::from(Arc::clone(&turn)),
            turn,
        }
    }

    /// Has the task woken when everything that is ready now has run.
    fn wait(&mut self, context: &Context<'_>) {
        self.turn.task.register(context.waker());
        if self.is_waiting {
            return;
        }
        self.is_waiting = true;
        self.turn.is_over.store(false, Ordering::Release);
        // It is never ready at first, and whoever asked is woken whether or not it is kept.
        let mut turn = pin!(tokio::task::yield_now());
        let _ = turn.as_mut().poll(&mut Context::from_waker(&self.waker));
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_over.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<S: AsyncWrite + Unpin> Corked<S> {
    /// Writes what is held back if its turn is over.
    fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_waiting && self.turn.is_over.load(Ordering::Acquire) {
            ready!(self.poll_held(context))?;
            self.is_waiting = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what is held back.
    fn poll_held(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.held.has_remaining() {
            let wrote = ready!(Pin::new(&mut self.stream).poll_write(context, &self.held))?;
            if wrote == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.held.advance(wrote);
        }
        if self.held.capacity() > KEPT_BYTES_MAX {
            self.held = BytesMut::new();
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Corked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A peer that takes nothing may still have something to say.
        if let Poll::Ready(Err(error)) = self.poll_due(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Corked<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_due(context))?;
        if self.held.len() + bytes.len() > HELD_BYTES_MAX {
            ready!(self.poll_held(context))?;
        }
        if bytes.len() > HELD_BYTES_MAX {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        self.held.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_due(context))?;
        if self.held.is_empty() {
            return Pin::new(&mut self.stream).poll_flush(context);
        }
        self.wait(context);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_held(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::net::UnixStream;

    use super::*;

    /// Counts the writes that reach it.
    struct Counted {
        stream: DuplexStream,
        writes: usize,
    }

    impl AsyncWrite for Counted {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.writes += 1;
            Pin::new(&mut self.stream).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_shutdown(context)
        }
    }

    fn counted(bytes_max: usize) -> (Corked<Counted>, DuplexStream) {
        let (stream, far) = duplex(bytes_max);
        (Corked::new(Counted { stream, writes: 0 }), far)
    }

    #[tokio::test]
    async fn what_is_flushed_in_one_turn_is_one_write() {
        let (mut corked, mut far) = counted(1 << 10);
        for part in ["head", " and ", "body"] {
            corked.write_all(part.as_bytes()).await.expect("taken");
            corked.flush().await.expect("taken");
        }
        assert_eq!(corked.stream.writes, 0);
        tokio::task::yield_now().await;
        corked.flush().await.expect("written");
        assert_eq!(corked.stream.writes, 1);
        let mut read = [0; 13];
        far.read_exact(&mut read).await.expect("read");
        assert_eq!(&read, b"head and body");
    }

    #[tokio::test]
    async fn who_waits_for_an_answer_is_woken_to_write_the_question() {
        let (near, mut far) = UnixStream::pair().expect("a pair");
        let answering = tokio::spawn(async move {
            let mut question = [0; 8];
            far.read_exact(&mut question).await.expect("read");
            far.write_all(b"answer").await.expect("written");
            far
        });
        let mut corked = Corked::new(near);
        corked.write_all(b"question").await.expect("taken");
        corked.flush().await.expect("taken");
        let mut answer = [0; 6];
        corked.read_exact(&mut answer).await.expect("answered");
        assert_eq!(&answer, b"answer");
        answering.await.expect("no panic");
    }

    #[tokio::test]
    async fn more_than_is_held_back_goes_through_in_order() {
        let (mut corked, mut far) = counted(4 << 10);
        let sent: Vec<u8> = (0..300_000_u32).map(|at| (at / 251) as u8).collect();
        let reading = tokio::spawn(async move {
            let mut read = Vec::new();
            far.read_to_end(&mut read).await.expect("read");
            read
        });
        let (small, large) = sent.split_at(200_000);
        for part in small.chunks(9_000) {
            corked.write_all(part).await.expect("taken");
        }
        corked.write_all(large).await.expect("taken");
        corked.shutdown().await.expect("all of it");
        assert!(reading.await.expect("no panic") == sent);
    }

    #[tokio::test]
    async fn shut_down_writes_what_is_held_back() {
        let (mut corked, mut far) = counted(1 << 10);
        corked.write_all(b"last words").await.expect("taken");
        corked.flush().await.expect("taken");
        corked.shutdown().await.expect("written");
        let mut read = String::new();
        far.read_to_string(&mut read).await.expect("read");
        assert_eq!(read, "last words");
    }

    #[tokio::test]
    async fn who_only_reads_is_told_that_the_peer_is_gone() {
        let (near, far) = UnixStream::pair().expect("a pair");
        drop(far);
        let mut corked = Corked::new(near);
        corked.write_all(b"to nobody").await.expect("taken");
        corked.flush().await.expect("taken");
        tokio::task::yield_now().await;
        let error = corked.read(&mut [0; 8]).await.expect_err("nobody is there");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
