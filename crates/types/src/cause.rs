use std::error::Error;

/// The cause that says something: "Connection refused", and not "transport
/// error".
pub fn innermost_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::innermost_cause;
    use std::io::{Error, ErrorKind};

    #[derive(Debug, thiserror::Error)]
    #[error("dispatch failure")]
    struct Outer(#[source] Error);

    #[test]
    fn only_the_innermost_cause_is_told() {
        let error = Outer(ErrorKind::ConnectionRefused.into());
        assert_eq!(innermost_cause(&error), "connection refused");
    }
}
