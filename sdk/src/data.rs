//! What becomes the data of a message.

use bytes::Bytes;
use henhouse_proto::wire;

/// What the data of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Bytes that mean something to the program alone.
    Bytes,
    /// JSON.
    Json,
    /// A protobuf message.
    Protobuf,
    /// Text in UTF-8.
    Text,
}

impl Encoding {
    pub(crate) fn from_wire(encoding: wire::Encoding) -> Encoding {
        match encoding {
            wire::Encoding::Unspecified => Encoding::Bytes,
            wire::Encoding::Json => Encoding::Json,
            wire::Encoding::Protobuf => Encoding::Protobuf,
            wire::Encoding::Text => Encoding::Text,
        }
    }

    pub(crate) fn into_wire(self) -> wire::Encoding {
        match self {
            Encoding::Bytes => wire::Encoding::Unspecified,
            Encoding::Json => wire::Encoding::Json,
            Encoding::Protobuf => wire::Encoding::Protobuf,
            Encoding::Text => wire::Encoding::Text,
        }
    }
}

/// Bytes, and what they are.
#[derive(Debug, Clone)]
pub struct Data<'a> {
    encoding: Encoding,
    payload: Payload<'a>,
}

/// Borrowed data is copied straight into the outbox: a short message costs no allocation.
#[derive(Debug, Clone)]
enum Payload<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
    Shared(Bytes),
}

impl<'a> Data<'a> {
    /// Data that is shared and not copied where it is long.
    pub fn shared(encoding: Encoding, bytes: Bytes) -> Data<'static> {
        let payload = Payload::Shared(bytes);
        Data { encoding, payload }
    }

    /// Data of its own.
    pub fn owned(encoding: Encoding, bytes: Vec<u8>) -> Data<'static> {
        let payload = Payload::Owned(bytes);
        Data { encoding, payload }
    }

    /// Data that is copied when it is queued.
    pub fn borrowed(encoding: Encoding, bytes: &'a [u8]) -> Data<'a> {
        let payload = Payload::Borrowed(bytes);
        Data { encoding, payload }
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match &self.payload {
            Payload::Borrowed(bytes) => bytes,
            Payload::Owned(bytes) => bytes,
            Payload::Shared(bytes) => bytes,
        }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        match self.payload {
            Payload::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Payload::Owned(bytes) => bytes.into(),
            Payload::Shared(bytes) => bytes,
        }
    }
}

/// A value that cannot be data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the value cannot be encoded: {0}")]
pub struct EncodeError(String);

/// What can be sent: bytes, text, nothing (`()`), and with their features `Json` and `Proto`.
pub trait IntoData<'a> {
    /// The bytes, and what they are.
    ///
    /// # Errors
    ///
    /// Where the value has no encoding, such as a map without text for keys in JSON.
    fn into_data(self) -> Result<Data<'a>, EncodeError>;
}

impl<'a> IntoData<'a> for Data<'a> {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(self)
    }
}

impl<'a> IntoData<'a> for () {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(Data::borrowed(Encoding::Bytes, &[]))
    }
}

impl<'a> IntoData<'a> for &'a [u8] {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(Data::borrowed(Encoding::Bytes, self))
    }
}

impl<'a, const N: usize> IntoData<'a> for &'a [u8; N] {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(Data::borrowed(Encoding::Bytes, self))
    }
}

impl<'a> IntoData<'a> for &'a Vec<u8> {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(Data::borrowed(Encoding::Bytes, self))
    }
}

impl<'a> IntoData<'a> for Vec<u8> {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(Data::owned(Encoding::Bytes, self))
    }
}

impl<'a> IntoData<'a> for Bytes {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(Data::shared(Encoding::Bytes, self))
    }
}

impl<'a> IntoData<'a> for &'a str {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(Data::borrowed(Encoding::Text, self.as_bytes()))
    }
}

impl<'a> IntoData<'a> for &'a String {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        self.as_str().into_data()
    }
}

impl<'a> IntoData<'a> for String {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(Data::owned(Encoding::Text, self.into_bytes()))
    }
}

/// A value that is sent as JSON.
#[cfg(feature = "json")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

#[cfg(feature = "json")]
impl<'a, T: serde::Serialize> IntoData<'a> for Json<T> {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        let bytes = serde_json::to_vec(&self.0).map_err(|error| EncodeError(error.to_string()))?;
        Ok(Data::owned(Encoding::Json, bytes))
    }
}

/// A value that is sent as protobuf.
#[cfg(feature = "prost")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proto<T>(pub T);

#[cfg(feature = "prost")]
impl<'a, T: prost::Message> IntoData<'a> for Proto<T> {
    fn into_data(self) -> Result<Data<'a>, EncodeError> {
        Ok(Data::owned(Encoding::Protobuf, self.0.encode_to_vec()))
    }
}
