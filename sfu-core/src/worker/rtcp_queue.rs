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

    /// True when nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Hands out all that waits as compounds of at most [`MAX_COMPOUND`] bytes, and forgets it.
    /// Reduced-size compounds (RFC 5506): no report is needed in front.
    pub(super) fn drain(&mut self, mut send: impl FnMut(&[u8])) {
        let mut start = 0;
        let mut end = 0;
        for &next in &self.ends {
            if next - start > MAX_COMPOUND {
                send(&self.bytes[start..end]);
                start = end;
            }
            end = next;
        }
        if end > start {
            send(&self.bytes[start..end]);
        }
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

    #[test]
    fn items_join_into_compounds_and_are_never_split() {
        let mut queue = RtcpQueue::default();
        for len in [700, 500, 8, 1200] {
            item(&mut queue, len);
        }
        let mut sizes = Vec::new();
        queue.drain(|compound| sizes.push(compound.len()));
        assert_eq!(sizes, [1200, 8, 1200]);
        assert!(queue.is_empty());
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut queue = RtcpQueue::default();
        for _ in 0..100 {
            item(&mut queue, 1000);
        }
        let mut total = 0;
        queue.drain(|compound| total += compound.len());
        assert!(total <= MAX_QUEUED, "{total}");
    }
}
