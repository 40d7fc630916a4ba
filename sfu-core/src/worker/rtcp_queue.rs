//! A participant's RTCP on its way out: plain items, joined into compounds when they leave.

/// Largest compound before SRTCP's overhead, in bytes. Below every usual path MTU.
pub(super) const MAX_COMPOUND: usize = 1200;

/// Most bytes that wait for one participant.
///
/// Higher: a peer whose socket is full gets older reports. Lower: a room with many tracks may lose
/// a round of reports. What does not fit is left out: the next round repeats what matters.
const MAX_QUEUED: usize = 16 * 1024;

/// Waiting RTCP items, each a whole RTCP packet.
#[derive(Debug, Default)]
pub(super) struct RtcpQueue {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl RtcpQueue {
    /// Adds one item that `write` puts at the front of the buffer, giving its length.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
        let start = self.bytes.len();
        if start + MAX_COMPOUND > MAX_QUEUED {
            return;
        }
        self.bytes.resize(start + MAX_COMPOUND, 0);
        let len = write(&mut self.bytes[start..]).unwrap_or(0);
        self.bytes.truncate(start + len);
        if len > 0 {
            self.ends.push(start + len);
        }
    }

    /// The next compound of at most [`MAX_COMPOUND`] bytes; [`Self::pop`] it once it is sent.
    /// Reduced-size compounds (RFC 5506): no report is needed in front.
    pub(super) fn front(&self) -> Option<&[u8]> {
        let joined = self.ends.iter().take_while(|end| **end <= MAX_COMPOUND);
        joined.last().map(|end| &self.bytes[..*end])
    }

    /// Forgets the next `len` bytes: a compound that was sent.
    pub(super) fn pop(&mut self, len: usize) {
        self.bytes.drain(..len);
        self.ends.retain_mut(|end| {
            *end = end.saturating_sub(len);
            *end > 0
        });
    }

    /// Forgets all that waits.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(queue: &mut RtcpQueue, len: usize) {
        queue.push(|out| {
            out[..len].fill(1);
            Some(len)
        });
    }

    fn drain(queue: &mut RtcpQueue) -> Vec<usize> {
        let mut sizes = Vec::new();
        while let Some(len) = queue.front().map(<[u8]>::len) {
            sizes.push(len);
            queue.pop(len);
        }
        sizes
    }

    #[test]
    fn items_join_into_compounds_and_are_never_split() {
        let mut queue = RtcpQueue::default();
        for len in [700, 500, 8, 1200] {
            item(&mut queue, len);
        }
        assert_eq!(drain(&mut queue), [1200, 8, 1200]);
        assert!(queue.bytes.is_empty());
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut queue = RtcpQueue::default();
        for _ in 0..100 {
            item(&mut queue, 1000);
        }
        let total: usize = drain(&mut queue).iter().sum();
        assert!(total <= MAX_QUEUED, "{total}");
    }
}
