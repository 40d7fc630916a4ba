//! Answers page by page. A token is the key of the last item that was sent, so that it stays good
//! whatever comes or goes between two pages, and the server remembers nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;

use crate::error::ApiError;

/// Items in a page unless the caller says otherwise.
const DEFAULT_SIZE: usize = 100;

/// Most items in a page. Higher: one call holds more. Lower: large rooms take more calls.
const MAX_SIZE: usize = 1_000;

/// Bytes after which a page is ended, whatever size was asked for; an item more may go past it.
/// Participants carry up to 32 KiB of the application's own text each. Higher: pages near the 4 MiB
/// at which clients refuse an answer. Lower: more calls for rooms of large participants.
pub(super) const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Longest token that is read, in bytes: base64 of the longest key.
const MAX_TOKEN: usize = 512;

/// Where a page begins and how much it may hold.
#[derive(Debug)]
pub(super) struct Page {
    after: Option<String>,
    size: usize,
}

impl Page {
    /// Reads a request's `page_size` and `page_token`.
    pub(super) fn read(size: i32, token: &str) -> Result<Self, ApiError> {
        let size = match usize::try_from(size) {
            Err(_) => return Err(ApiError::invalid("page_size", "must not be negative")),
            Ok(0) => DEFAULT_SIZE,
            Ok(size) => size.min(MAX_SIZE),
        };
        let foreign = || ApiError::invalid("page_token", "not a next_page_token of this call");
        let after = match token {
            "" => None,
            long if long.len() > MAX_TOKEN => return Err(foreign()),
            token => {
                let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| foreign())?;
                Some(String::from_utf8(bytes).map_err(|_| foreign())?)
            }
        };
        Ok(Self { after, size })
    }

    /// Cuts the page out of `items`, which are in the order of `key`, and gives the next page's
    /// token; empty: there is no further page.
    pub(super) fn cut<T, M: Message>(
        &self,
        items: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
        convert: impl Fn(T) -> M,
    ) -> (Vec<M>, String) {
        let mut page = Vec::new();
        let mut bytes = 0;
        let mut last = String::new();
        for item in items {
            let at = key(&item);
            if self.after.as_ref().is_some_and(|after| at <= *after) {
                continue;
            }
            if page.len() == self.size || bytes > MAX_BYTES {
                return (page, URL_SAFE_NO_PAD.encode(last));
            }
            let message = convert(item);
            bytes += message.encoded_len();
            page.push(message);
            last = at;
        }
        (page, String::new())
    }
}
