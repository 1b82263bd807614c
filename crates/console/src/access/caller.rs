use super::Denied;
use crate::doorway::Origin;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

/// Who sent a request, and with what.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) address: IpAddr,
    headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<ConnectInfo<Origin>>();
        let address = known.map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.0.ip());
        let headers = parts.headers.clone();
        Ok(Caller { address, headers })
    }
}

impl Caller {
    #[cfg(test)]
    pub(super) fn with(headers: HeaderMap) -> Caller {
        let address = Ipv4Addr::LOCALHOST.into();
        Caller { address, headers }
    }

    fn header(&self, name: impl axum::http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn bearer(&self) -> Option<&str> {
        self.header(AUTHORIZATION)?.strip_prefix("Bearer ")
    }

    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(COOKIE).into_iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let mut cookies = lines.flat_map(|line| line.split(';'));
        cookies.find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
    }

    /// No other site's page may speak with the cookie of this one: it cannot
    /// add a header of its own, and browsers say where a request comes from.
    pub(crate) fn is_own_page_or_program(&self) -> Result<(), Denied> {
        let marked = self.headers.contains_key("x-understudy");
        let site = self.header("sec-fetch-site");
        let origin = self.headers.get(ORIGIN).map(|_| {
            let origin = self
                .header(ORIGIN)
                .and_then(|origin| origin.split_once("://"));
            origin.map(|(_, host)| host)
        });
        let own_origin = origin.is_none_or(|host| host.is_some() && host == self.header(HOST));
        match marked && site.is_none_or(|site| site == "same-origin") && own_origin {
            true => Ok(()),
            false => Err(Denied::OtherSite),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Denied};

    fn caller(headers: &[(&'static str, &str)]) -> Caller {
        let pair =
            |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        Caller::with(headers.iter().map(pair).collect())
    }

    #[test]
    fn only_own_pages_and_programs_may_act() {
        let (marked, host) = (("x-understudy", "1"), ("host", "b.example:2391"));
        let own = ("origin", "http://b.example:2391");
        let same = ("sec-fetch-site", "same-origin");
        for sound in [
            &[marked, host][..],
            &[marked, host, own],
            &[marked, host, own, same],
        ] {
            assert_eq!(caller(sound).is_own_page_or_program(), Ok(()), "{sound:?}");
        }
        for wrong in [
            &[host, own, same][..],
            &[marked, host, ("sec-fetch-site", "cross-site")],
            &[marked, host, ("sec-fetch-site", "same-site")],
            &[marked, host, ("origin", "http://evil.example")],
            &[marked, host, ("origin", "http://b.example")],
            &[marked, host, ("origin", "null")],
            &[marked, ("origin", "http://b.example:2391")],
        ] {
            let found = caller(wrong).is_own_page_or_program();
            assert_eq!(found, Err(Denied::OtherSite), "{wrong:?}");
        }
    }

    #[test]
    fn cookie_is_found_by_its_whole_name() {
        let caller = caller(&[("cookie", "understudy_bravo2=no; understudy_bravo=yes")]);
        assert_eq!(caller.cookie("understudy_bravo"), Some("yes"));
        assert_eq!(caller.cookie("understudy"), None);
    }
}
