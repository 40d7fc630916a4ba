//! One client's socket, from its first message to its last.

use std::pin::pin;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt;
use livekit_protocol::SignalRequest;
use livekit_protocol::signal_request::Message as Asked;
use livekit_protocol::signal_response::Message as Told;
use prost::Message as _;
use tokio::time::Instant;

use super::admission::Admitted;
use super::counters::Closing;
use super::frames::{encode, read_fault, read_json};
use super::requests::{self, Outcome};
use super::sockets::Place;
use super::{Door, convert, limits, notices, simulate};
use crate::rate::{Rate, TokenBucket};
use crate::rooms::{Ending, LeaveReason, Notice, Notices, SessionHandle};

const RATE: Rate = Rate {
    per_second: limits::MESSAGES_PER_SECOND,
    burst: limits::MESSAGE_BURST,
};

/// Joins, and serves the socket until it or the session ends.
pub(super) async fn serve(door: Door, mut socket: WebSocket, admitted: Admitted, place: Place) {
    let closing = match join(&door, &mut socket, admitted).await {
        Ok(mut signalling) => {
            let closing = signalling.run(&mut socket).await;
            tracing::debug!(
                room = signalling.session.room(),
                participant = signalling.session.sid(),
                reason = closing.name(),
                "socket closed"
            );
            closing
        }
        Err(closing) => closing,
    };
    door.0.closings.count(closing);
    let frame = CloseFrame {
        code: closing.close_code(),
        reason: closing.name().into(),
    };
    if closing != Closing::ClosedByClient {
        // Neither a full nor a dead socket keeps the task for longer.
        let _ = tokio::time::timeout(limits::CLOSE_LINGER, farewell(&mut socket, frame)).await;
    }
    drop(place);
}

/// Closes, and waits for the client to close too.
async fn farewell(socket: &mut WebSocket, frame: CloseFrame) {
    if socket.send(Message::Close(Some(frame))).await.is_err() {
        return;
    }
    while let Some(received) = socket.recv().await {
        if received.is_err() {
            // After a fault the rest cannot be read; the close frame still can, by the client.
            std::future::pending::<()>().await;
        }
    }
}

/// One client's signalling.
struct Signalling {
    session: SessionHandle,
    notices: Notices,
    ending: Ending,
    rate: TokenBucket,
    /// The client writes JSON.
    json: bool,
    /// The client may ask for faults.
    simulation: bool,
    /// An offer of the session was answered.
    answered: bool,
}

/// Joins and sends the first message.
async fn join(
    door: &Door,
    socket: &mut WebSocket,
    admitted: Admitted,
) -> Result<Signalling, Closing> {
    let (room, identity) = (
        admitted.params.room.clone(),
        admitted.params.identity.clone(),
    );
    let (joined, refusal) = match &admitted.resumes {
        Some(sid) => {
            let mismatch = convert::leave(LeaveReason::StateMismatch);
            (door.0.rooms.resume(&admitted.params, sid), mismatch)
        }
        None => (door.0.rooms.join(&admitted.params), convert::join_refused()),
    };
    let joined = match joined {
        Ok(joined) => joined,
        Err(error) => {
            tracing::info!(%room, %identity, %error, "join refused");
            let _ = write(socket, Told::Leave(refusal), false).await;
            return Err(Closing::JoinRefused);
        }
    };
    let resumed = admitted.resumes.is_some();
    let first = if resumed {
        notices::resumed(&joined)
    } else {
        vec![Told::Join(convert::join(&joined))]
    };
    let mut signalling = Signalling {
        ending: joined.notices.ending(),
        session: joined.session,
        notices: joined.notices,
        rate: TokenBucket::new(RATE, Instant::now()),
        json: false,
        simulation: door.0.settings.simulation,
        answered: resumed,
    };
    for told in first {
        signalling.tell(socket, told).await?;
    }
    for track in admitted.tracks {
        let outcome = requests::add_track(&signalling.session, track);
        signalling.follow(socket, outcome).await?;
    }
    if let Some((id, offer)) = admitted.offer
        && let Err(error) = signalling.session.offer(id, offer)
    {
        tracing::warn!(%room, %identity, %error, "first offer refused");
    }
    Ok(signalling)
}

impl Signalling {
    async fn run(&mut self, socket: &mut WebSocket) -> Closing {
        loop {
            match self.step(socket).await {
                Ok(()) => {}
                Err(closing) => return closing,
            }
        }
    }

    /// Waits for one thing to do and does it.
    async fn step(&mut self, socket: &mut WebSocket) -> Result<(), Closing> {
        // Any frame shows that the client lives, so the time runs from here.
        let mut silence = pin!(tokio::time::sleep(limits::SILENCE));
        loop {
            tokio::select! {
                notice = self.notices.next() => match notice {
                    Some(notice) => self.tell_notices(socket, notice).await?,
                    None if self.notices.ended() == Some(LeaveReason::TooSlow) => {
                        return Err(Closing::NotReading);
                    }
                    None => return Err(Closing::SessionEnded),
                },
                received = socket.recv() => return self.receive(socket, received).await,
                () = &mut silence => return Err(Closing::Silent),
            }
        }
    }

    async fn receive(
        &mut self,
        socket: &mut WebSocket,
        received: Option<Result<Message, axum::Error>>,
    ) -> Result<(), Closing> {
        let message = match received {
            None | Some(Ok(Message::Close(_))) => return Err(Closing::ClosedByClient),
            Some(Err(error)) => return Err(read_fault(error)),
            Some(Ok(message)) => message,
        };
        let length = match &message {
            Message::Binary(bytes) => bytes.len(),
            Message::Text(text) => text.len(),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
        };
        let units = u32::try_from(length / limits::MESSAGE_UNIT).unwrap_or(u32::MAX);
        if !self.rate.take_many(units.saturating_add(1), Instant::now()) {
            return Err(Closing::TooManyMessages);
        }
        let asked = match message {
            Message::Binary(bytes) => {
                let request = SignalRequest::decode(bytes).map_err(|_| Closing::Undecodable)?;
                request.message
            }
            Message::Text(text) => {
                self.json = true;
                read_json(&text)?
            }
            // Answered by the library.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => None,
        };
        let Some(asked) = asked else {
            return Ok(());
        };
        let outcome = match asked {
            Asked::Simulate(asked) if self.simulation => simulate::perform(&self.session, &asked),
            asked => requests::perform(&self.session, asked),
        };
        self.follow(socket, outcome).await
    }

    async fn follow(&mut self, socket: &mut WebSocket, outcome: Outcome) -> Result<(), Closing> {
        match outcome {
            Outcome::Nothing => Ok(()),
            Outcome::Left => Err(Closing::SessionEnded),
            Outcome::Tell(told) => self.tell(socket, *told).await,
            Outcome::OfferRefused(told) => {
                self.tell(socket, *told).await?;
                self.offer_refused();
                Ok(())
            }
        }
    }

    /// Without a first answer there is no media and never will be: the client learns it now and
    /// not by a timeout.
    fn offer_refused(&self) {
        if !self.answered {
            self.session.end(LeaveReason::OfferRefused);
        }
    }

    /// Writes this notice and what else waits, and then flushes once.
    async fn tell_notices(&mut self, socket: &mut WebSocket, first: Notice) -> Result<(), Closing> {
        let mut next = Some(first);
        while let Some(notice) = next {
            let left = matches!(notice, Notice::Leave { .. });
            self.answered |= matches!(notice, Notice::Answer { .. });
            let refused = matches!(notice, Notice::OfferRefused { .. });
            if let Some(told) = notices::message(notice) {
                let message = encode(told, self.json);
                bounded(&mut self.ending, socket.feed(message)).await?;
            }
            if refused {
                self.offer_refused();
            }
            if left {
                bounded(&mut self.ending, socket.flush()).await?;
                return Err(Closing::SessionEnded);
            }
            next = self.notices.next_waiting();
        }
        bounded(&mut self.ending, socket.flush()).await
    }

    async fn tell(&mut self, socket: &mut WebSocket, told: Told) -> Result<(), Closing> {
        let message = encode(told, self.json);
        bounded(&mut self.ending, socket.send(message)).await
    }
}

/// A write that neither a dead nor a stalled client can hold for ever.
async fn bounded(
    ending: &mut Ending,
    write: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), Closing> {
    tokio::select! {
        biased;
        written = write => written.map_err(|_| Closing::ClosedByClient),
        () = ending.too_slow() => Err(Closing::NotReading),
        () = tokio::time::sleep(limits::WRITE_TIMEOUT) => Err(Closing::NotReading),
    }
}

/// A write outside a session.
async fn write(socket: &mut WebSocket, told: Told, json: bool) -> Result<(), Closing> {
    let sent = socket.send(encode(told, json));
    match tokio::time::timeout(limits::WRITE_TIMEOUT, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Closing::ClosedByClient),
        Err(_) => Err(Closing::NotReading),
    }
}
