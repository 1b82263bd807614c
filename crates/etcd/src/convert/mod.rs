//! Between the messages of the API and the words of the data model. Keys and
//! values are shared, never copied.

pub(crate) mod request;
pub(crate) mod response;

#[cfg(test)]
mod tests;
