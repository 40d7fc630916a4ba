use std::collections::VecDeque;

use sfu_core::media::path::Protocol;
use sfu_core::media::send_batch::SendBatch;

use super::*;

/// What the kernel does at one call.
#[derive(Clone, Copy)]
enum Answer {
    /// Takes at most so many messages.
    Takes(usize),
    Fails(i32),
}
use Answer::{Fails, Takes};

/// Everything that one send did.
struct Outcome {
    progress: SendProgress,
    /// Remote port, datagrams' first bytes, for each message taken.
    taken: Vec<(u16, Vec<u8>)>,
    segmentation: bool,
    counters: Counters,
}

impl Outcome {
    fn datagrams(&self) -> Vec<u8> {
        self.taken.iter().flat_map(|(_, v)| v.clone()).collect()
    }
}

/// Two runs of three datagrams, to ports 1 and 2, then a single datagram to port 3; numbered.
fn batch() -> SendBatch {
    let mut batch = SendBatch::with_capacity(20_000);
    for (number, (port, len)) in [
        (1, 100),
        (1, 100),
        (1, 60),
        (2, 100),
        (2, 100),
        (2, 100),
        (3, 50),
    ]
    .into_iter()
    .enumerate()
    {
        let path = Path {
            protocol: Protocol::Udp,
            local: ([127, 0, 0, 1], 7882).into(),
            remote: ([127, 0, 0, 1], port).into(),
        };
        batch.push(path, |out| {
            out[..len].fill(u8::try_from(number).unwrap());
            Some(len)
        });
    }
    batch
}

/// Sends with a kernel that answers as listed, and takes everything once the list is used up.
/// `cannot` says which messages it always refuses, and how.
fn send(
    segmentation: bool,
    answers: &[Answer],
    cannot: impl Fn(&Message<'_>) -> Option<i32>,
) -> Outcome {
    let batch = batch();
    let mut answers: VecDeque<Answer> = answers.iter().copied().collect();
    let mut segmentation = segmentation;
    let mut counters = Counters::default();
    let mut taken = Vec::new();
    let progress = Sending {
        bytes: batch.bytes(),
        runs: batch.runs(),
        owns: |_: &Path| true,
        wildcard: false,
        segmentation: &mut segmentation,
        counters: &mut counters,
    }
    .send_from(0, |messages| {
        let room = match answers.pop_front() {
            Some(Fails(errno)) => return Err(io::Error::from_raw_os_error(errno)),
            Some(Takes(room)) => room,
            None => usize::MAX,
        };
        let mut count = 0;
        for message in messages.iter().take(room) {
            match cannot(message) {
                Some(errno) if count == 0 => return Err(io::Error::from_raw_os_error(errno)),
                Some(_) => break,
                None => count += 1,
            }
            let size = message.segment.map_or(message.bytes.len(), usize::from);
            let values = message.bytes.chunks(size).map(|d| d[0]).collect();
            taken.push((message.remote.port(), values));
        }
        Ok(count)
    });
    Outcome {
        progress,
        taken,
        segmentation,
        counters,
    }
}

fn willing(_: &Message<'_>) -> Option<i32> {
    None
}

const DONE: SendProgress = SendProgress {
    runs: 3,
    datagrams: 0,
    blocked: false,
};

#[test]
fn a_run_is_one_message_and_all_runs_one_call() {
    let sent = send(true, &[], willing);
    assert_eq!(sent.progress, DONE);
    let shape = [(1, vec![0, 1, 2]), (2, vec![3, 4, 5]), (3, vec![6])];
    assert_eq!(sent.taken, shape);
    assert_eq!(sent.counters.send_calls, 1);
    assert_eq!(sent.counters.segmented_runs, 2);
    assert_eq!(sent.counters.sent_datagrams, 7);
    assert_eq!(sent.counters.sent_bytes, 610);
}

#[test]
fn a_full_socket_stops_where_it_was_full() {
    let sent = send(true, &[Takes(1), Fails(libc::EAGAIN)], willing);
    let progress = SendProgress {
        runs: 1,
        datagrams: 0,
        blocked: true,
    };
    assert_eq!((sent.progress, sent.datagrams()), (progress, vec![0, 1, 2]));
    assert_eq!(sent.counters.send_blocked, 1);

    let sent = send(false, &[Takes(4), Fails(libc::EAGAIN)], willing);
    let progress = SendProgress {
        runs: 1,
        datagrams: 1,
        blocked: true,
    };
    assert_eq!(
        (sent.progress, sent.datagrams()),
        (progress, vec![0, 1, 2, 3])
    );
}

#[test]
fn an_interrupted_call_is_made_again() {
    let sent = send(
        true,
        &[Fails(libc::EINTR), Takes(1), Fails(libc::EINTR)],
        willing,
    );
    assert_eq!(sent.progress, DONE);
    assert_eq!(sent.datagrams(), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn refused_segmentation_is_learnt_and_nothing_is_lost_or_sent_twice() {
    for errno in [libc::EIO, libc::EINVAL, libc::EOPNOTSUPP] {
        let sent = send(true, &[], |m| m.segment.map(|_| errno));
        assert_eq!(sent.progress, DONE);
        assert_eq!(sent.datagrams(), [0, 1, 2, 3, 4, 5, 6]);
        assert!(!sent.segmentation);
        assert_eq!(sent.counters.segmentation_refused, 1);
        assert_eq!(sent.counters.send_errors.total(), 0);
    }
}

#[test]
fn a_socket_full_amid_a_refused_run_says_how_many_datagrams_have_left() {
    let answers = [Fails(libc::EIO), Takes(2), Fails(libc::EAGAIN)];
    let sent = send(true, &answers, willing);
    let progress = SendProgress {
        runs: 0,
        datagrams: 2,
        blocked: true,
    };
    assert_eq!((sent.progress, sent.datagrams()), (progress, vec![0, 1]));
}

#[test]
fn a_bad_destination_loses_its_own_run_only_and_teaches_nothing_about_segmentation() {
    for errno in [
        libc::EINVAL,
        libc::EIO,
        libc::EPERM,
        libc::ECONNREFUSED,
        libc::EHOSTUNREACH,
        libc::ENETUNREACH,
        libc::EMSGSIZE,
        libc::ENOBUFS,
    ] {
        for segmentation in [true, false] {
            let sent = send(segmentation, &[], |m| {
                (m.remote.port() == 2).then_some(errno)
            });
            assert_eq!(sent.progress, DONE);
            assert_eq!(sent.datagrams(), [0, 1, 2, 6], "errno {errno}");
            assert_eq!(sent.segmentation, segmentation, "errno {errno}");
            assert_eq!(sent.counters.send_errors.total(), 3);
            assert_eq!(sent.counters.sent_datagrams, 4);
        }
    }
}

#[test]
fn errors_are_counted_by_kind() {
    let of = |errno| send(true, &[Fails(errno)], willing).counters.send_errors;
    assert_eq!(of(libc::ECONNREFUSED).connection_refused, 3);
    assert_eq!(of(libc::EHOSTUNREACH).unreachable, 3);
    assert_eq!(of(libc::ENETUNREACH).unreachable, 3);
    assert_eq!(of(libc::EPERM).not_permitted, 3);
    assert_eq!(of(libc::EMSGSIZE).too_large, 3);
    assert_eq!(of(libc::ENOBUFS).no_buffer, 3);
    assert_eq!(of(libc::EBADF).other, 3);
}

#[test]
fn more_messages_than_one_call_holds_go_in_several() {
    let mut batch = SendBatch::with_capacity(200_000);
    for number in 0..150_u8 {
        let path = Path {
            protocol: Protocol::Udp,
            local: ([127, 0, 0, 1], 7882).into(),
            remote: ([127, 0, 0, 1], 1 + u16::from(number)).into(),
        };
        batch.push(path, |out| {
            out[0] = number;
            Some(1)
        });
    }
    let mut counters = Counters::default();
    let mut sizes = Vec::new();
    let mut values = Vec::new();
    let progress = Sending {
        bytes: batch.bytes(),
        runs: batch.runs(),
        // Every third run belongs to another socket.
        owns: |path: &Path| !path.remote.port().is_multiple_of(3),
        wildcard: false,
        segmentation: &mut true,
        counters: &mut counters,
    }
    .send_from(0, |messages| {
        sizes.push(messages.len());
        values.extend(messages.iter().map(|m| m.bytes[0]));
        Ok(messages.len())
    });
    assert_eq!((progress.runs, progress.blocked), (150, false));
    assert_eq!(sizes, [64, 36]);
    let owned: Vec<u8> = (0..150).filter(|n| (n + 1) % 3 != 0).collect();
    assert_eq!(values, owned);
}

#[test]
fn a_wildcard_socket_names_the_source_and_a_bound_one_does_not() {
    let batch = batch();
    for wildcard in [true, false] {
        let mut sources = Vec::new();
        let _ = Sending {
            bytes: batch.bytes(),
            runs: batch.runs(),
            owns: |_: &Path| true,
            wildcard,
            segmentation: &mut true,
            counters: &mut Counters::default(),
        }
        .send_from(0, |messages| {
            sources.extend(messages.iter().map(|m| m.source.map(|s| s.ip())));
            Ok(messages.len())
        });
        let named = wildcard.then_some([127, 0, 0, 1].into());
        assert_eq!(sources, [named; 3]);
    }
}
