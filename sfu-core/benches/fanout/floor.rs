//! The least that any unit like this must do: for each subscriber and packet, a header of its own
//! and a seal with its own key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::FRAME;
use crate::clock::cpu_time;

/// Bytes of the authentication tag.
const TAG: usize = 16;

pub(crate) struct Floor {
    keys: Vec<LessSafeKey>,
    header: Vec<u8>,
    payloads: Vec<Vec<u8>>,
    batch: Vec<u8>,
    sequence: u64,
}

impl Floor {
    pub(crate) fn new(subscribers: usize, header: usize, payload: usize) -> Self {
        let key = |n: usize| {
            let mut bytes = [7; 32];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).unwrap())
        };
        Self {
            keys: (0..subscribers).map(key).collect(),
            header: vec![0x80; header],
            payloads: vec![vec![7; payload]; FRAME],
            batch: vec![0; crate::engine::BATCH],
            sequence: 0,
        }
    }

    /// Nanoseconds of CPU time for each packet out, of as many packets a frame as `frames` says: as
    /// many for each subscriber, or one more for the first ones.
    pub(crate) fn run(&mut self, frames: &[u64]) -> f64 {
        let spent = cpu_time(|| {
            for &packets in frames {
                self.frame(packets as usize);
            }
        });
        spent.as_nanos() as f64 / frames.iter().sum::<u64>().max(1) as f64
    }

    fn frame(&mut self, packets: usize) {
        let mut used = 0;
        let (each, more) = (packets / self.keys.len(), packets % self.keys.len());
        for (place, key) in self.keys.iter().enumerate() {
            let share = each + usize::from(place < more);
            for (n, payload) in (0..).zip(self.payloads.iter().cycle().take(share)) {
                let len = self.header.len() + payload.len() + TAG;
                if used + len > self.batch.len() {
                    used = 0;
                }
                let (header, rest) = self.batch[used..used + len].split_at_mut(self.header.len());
                let (body, tag) = rest.split_at_mut(payload.len());
                header.copy_from_slice(&self.header);
                let sequence = self.sequence + n;
                header[2..4].copy_from_slice(&(sequence as u16).to_be_bytes());
                let mut nonce = [0; NONCE_LEN];
                nonce[4..].copy_from_slice(&sequence.to_be_bytes());
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.seal_out_of_place_scatter(nonce, Aad::from(&*header), payload, body, &[], tag)
                    .unwrap();
                used += len;
            }
        }
        self.sequence += each as u64 + 1;
        std::hint::black_box(&self.batch);
    }
}
