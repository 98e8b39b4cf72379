//! A message that has arrived.

use std::sync::Arc;

use bytes::Bytes;
use henhouse_proto::frame::Arrived;
use henhouse_proto::wire;

use crate::data::Encoding;
use crate::limits::MESSAGE_OVERHEAD_BYTES;
use crate::role::Sender;

/// An action, its data, and who sent it.
#[derive(Clone)]
pub struct Message {
    action: Arc<str>,
    data: Bytes,
    sender: Sender,
    /// Its sender's number for it.
    id: u64,
    /// Which of the messenger's connections brought it: a reply on a later one would go to
    /// somebody else.
    epoch: u64,
    encoding: Encoding,
    is_request: bool,
}

impl Message {
    /// What `arrived` with that action, as its listeners share it, and that data.
    pub(crate) fn new(arrived: &Arrived<'_>, action: Arc<str>, data: Bytes, epoch: u64) -> Message {
        Message {
            action,
            data,
            sender: Sender::from_wire(arrived.sender),
            id: arrived.id,
            epoch,
            encoding: Encoding::from_wire(arrived.encoding),
            is_request: is_request(arrived),
        }
    }

    /// What it is about.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Its data, as it was sent.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// What its data is, in its sender's word.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Who sent it.
    pub fn sender(&self) -> Sender {
        self.sender
    }

    /// Whether its sender waits for a reply.
    pub fn is_request(&self) -> bool {
        self.is_request
    }

    /// Its data as text.
    ///
    /// # Errors
    ///
    /// Where the data is not UTF-8, whatever the sender calls it.
    pub fn text(&self) -> Result<&str, ReadError> {
        str::from_utf8(self.data()).map_err(|error| self.unreadable("text", &error))
    }

    /// Its data read as JSON.
    ///
    /// # Errors
    ///
    /// Where the data is not JSON, or not that of a `T`.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, ReadError> {
        serde_json::from_slice(self.data()).map_err(|error| self.unreadable("JSON", &error))
    }

    /// Its data read as a protobuf message.
    ///
    /// # Errors
    ///
    /// Where the data is not that of a `T`.
    #[cfg(feature = "prost")]
    pub fn proto<T: prost::Message + Default>(&self) -> Result<T, ReadError> {
        T::decode(self.data().clone()).map_err(|error| self.unreadable("protobuf", &error))
    }

    fn unreadable(&self, what: &'static str, error: &dyn std::fmt::Display) -> ReadError {
        ReadError {
            action: self.action().to_owned(),
            what,
            detail: error.to_string(),
        }
    }

    /// What it costs to keep it.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.action.len() + self.data.len() + MESSAGE_OVERHEAD_BYTES
    }

    /// Its sender's number for it.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
}

/// Whether the sender of what arrived waits for a reply.
pub(crate) fn is_request(arrived: &Arrived<'_>) -> bool {
    arrived.want == wire::Want::Reply && arrived.id != 0
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("action", &self.action())
            .field("encoding", &self.encoding())
            .field("data_bytes", &self.data().len())
            .field("sender", &self.sender)
            .field("is_request", &self.is_request())
            .finish()
    }
}

/// Data that is not what it was read as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the data of {action:?} as {what}: {detail}")]
pub struct ReadError {
    action: String,
    what: &'static str,
    detail: String,
}
