use std::cell::{Cell, RefCell};
use std::net::SocketAddr;

use sfu_core::media::path::{Path, Protocol};
use sfu_core::media::send_batch::{Run, SendBatch};

use super::*;
use crate::media::outlet::SendProgress;

/// Takes `room` datagrams and is full then.
struct Narrow {
    room: Cell<usize>,
    local: SocketAddr,
    left: RefCell<Vec<(u16, Vec<u8>)>>,
}

impl Narrow {
    fn new(room: usize) -> Self {
        Self {
            room: Cell::new(room),
            local: ([127, 0, 0, 1], 7882).into(),
            left: RefCell::default(),
        }
    }

    /// Remote port and first byte of each datagram that left.
    fn left(&self) -> Vec<(u16, u8, usize)> {
        self.left
            .borrow()
            .iter()
            .map(|(port, bytes)| (*port, bytes[0], bytes.len()))
            .collect()
    }
}

impl Outlet for Narrow {
    fn owns(&self, path: &Path) -> bool {
        path.local == self.local
    }

    fn send_runs(&self, bytes: &[u8], runs: &[Run], from_run: usize) -> SendProgress {
        for (index, run) in runs.iter().enumerate().skip(from_run) {
            if !self.owns(&run.path) {
                continue;
            }
            let datagrams = bytes[run.range.clone()].chunks(run.segment_size);
            for (gone, datagram) in datagrams.enumerate() {
                if self.room.get() == 0 {
                    return SendProgress {
                        runs: index,
                        datagrams: gone,
                        blocked: true,
                    };
                }
                self.room.set(self.room.get() - 1);
                let kept = (run.path.remote.port(), datagram.to_vec());
                self.left.borrow_mut().push(kept);
            }
        }
        SendProgress {
            runs: runs.len(),
            datagrams: 0,
            blocked: false,
        }
    }
}

fn push(batch: &mut SendBatch, local: [u8; 4], remote: u16, value: u8, len: usize) {
    let path = Path {
        protocol: Protocol::Udp,
        local: (local, 7882).into(),
        remote: ([127, 0, 0, 1], remote).into(),
    };
    batch
        .push(path, |out| {
            out[..len].fill(value);
            Some(len)
        })
        .unwrap();
}

/// A batch of one run to port 1 and one to port 2, of three datagrams each, numbered from `value`.
fn batch(value: u8) -> SendBatch {
    let mut batch = SendBatch::with_capacity(20_000);
    for number in 0..6 {
        let len = if number % 3 == 2 { 60 } else { 100 };
        let port = u16::from(1 + number / 3);
        push(&mut batch, [127, 0, 0, 1], port, value + number, len);
    }
    batch
}

fn expected(values: std::ops::Range<u8>) -> Vec<(u16, u8, usize)> {
    values
        .map(|value| {
            let number = value % 6;
            let len = if number % 3 == 2 { 60 } else { 100 };
            (u16::from(1 + number / 3), value, len)
        })
        .collect()
}

#[test]
fn however_often_it_is_full_everything_leaves_once_and_in_order() {
    for step in 0..=7 {
        let outlet = Narrow::new(step);
        let mut queue = SendQueue::new(10_000);
        for tick in 0..4 {
            queue.send(&outlet, &batch(tick * 6));
            outlet.room.set(outlet.room.get() + step);
        }
        outlet.room.set(3);
        while !queue.flush(&outlet) {
            outlet.room.set(1);
        }
        assert_eq!(outlet.left(), expected(0..24), "room for {step} each tick");
        assert!(queue.is_empty());
        assert_eq!(queue.len(), 0);
    }
}

#[test]
fn what_waits_leaves_before_what_is_new() {
    let outlet = Narrow::new(4);
    let mut queue = SendQueue::default();
    assert!(!queue.send(&outlet, &batch(0)));
    assert_eq!(queue.len(), 160);
    outlet.room.set(3);
    assert!(!queue.send(&outlet, &batch(6)));
    assert_eq!(outlet.left(), expected(0..7));
    outlet.room.set(100);
    assert!(queue.send(&outlet, &batch(12)));
    assert_eq!(outlet.left(), expected(0..18));
}

#[test]
fn beyond_the_bound_whole_runs_are_dropped_and_counted() {
    let outlet = Narrow::new(0);
    // Two runs of 260 bytes fit, the third does not.
    let mut queue = SendQueue::new(600);
    assert!(!queue.send(&outlet, &batch(0)));
    assert!(!queue.send(&outlet, &batch(6)));
    assert_eq!(queue.len(), 520);
    assert_eq!(queue.drops().get(DropReason::SocketFull), 6);
    // What has left makes room again.
    outlet.room.set(4);
    assert!(!queue.send(&outlet, &batch(12)));
    assert_eq!(queue.len(), 160 + 260);
    assert_eq!(queue.drops().get(DropReason::SocketFull), 9);
    outlet.room.set(100);
    assert!(queue.flush(&outlet));
    let mut left = expected(0..6);
    left.extend(expected(12..15));
    assert_eq!(outlet.left(), left);
}

#[test]
fn memory_stays_within_twice_the_bound_when_it_is_never_empty() {
    let bound = 1000;
    let outlet = Narrow::new(1);
    let mut queue = SendQueue::new(bound);
    let mut sent = 0;
    for tick in 0..500_u32 {
        let mut batch = SendBatch::with_capacity(5000);
        push(&mut batch, [127, 0, 0, 1], 1, (tick % 256) as u8, 100);
        queue.send(&outlet, &batch);
        sent += 1;
        if tick % 4 != 0 || queue.len() > 500 {
            outlet.room.set(1);
        }
        assert!(queue.bytes.len() <= 2 * bound, "{}", queue.bytes.len());
        assert!(queue.runs.len() <= 2 * bound / 100);
    }
    outlet.room.set(100);
    assert!(queue.flush(&outlet));
    let values: Vec<u8> = outlet.left().iter().map(|left| left.1).collect();
    let all: Vec<u8> = (0..sent).map(|tick: u32| (tick % 256) as u8).collect();
    assert_eq!(values, all);
}

#[test]
fn only_the_outlets_own_runs_are_kept() {
    let mut batch = SendBatch::with_capacity(20_000);
    push(&mut batch, [127, 0, 0, 2], 1, 9, 100);
    push(&mut batch, [127, 0, 0, 1], 1, 1, 100);
    push(&mut batch, [127, 0, 0, 2], 1, 9, 100);
    let outlet = Narrow::new(0);
    let mut queue = SendQueue::default();
    assert!(!queue.send(&outlet, &batch));
    assert_eq!(queue.len(), 100);
    outlet.room.set(5);
    assert!(queue.flush(&outlet));
    assert_eq!(outlet.left(), [(1, 1, 100)]);
}
