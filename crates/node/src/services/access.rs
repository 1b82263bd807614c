//! Who may call what. Everybody who gets here has proved who it is, or plain
//! text is spoken.

use futures::future::{Either, Ready, ready};
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::{Request as Call, Status};
use tower::{Layer, Service};
use understudy_tls::{Peer, PeerInfo, Role};

/// Whom a method is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Nodes,
    NodesAndOperators,
    Operators,
}

/// A method that is not named here is an operator's.
fn audience(path: &str) -> For {
    match path {
        "/understudy.v1.Replication/Follow"
        | "/understudy.v1.Replication/Fetch"
        | "/understudy.v1.Admin/Audit" => For::Nodes,
        "/understudy.v1.Admin/Status"
        | "/understudy.v1.Admin/Knock"
        | "/understudy.v1.Admin/Verdict"
        | "/understudy.v1.Admin/Profile"
        | "/understudy.v1.Admin/Receipts"
        | "/understudy.v1.Admin/WatchActivation" => For::NodesAndOperators,
        _ => For::Operators,
    }
}

fn judge(peer: Option<&Peer>, path: &str) -> Result<(), String> {
    let audience = audience(path);
    let is_welcome = match peer {
        Some(Peer::Anybody) => true,
        Some(Peer::Member(Role::Node(_))) => audience != For::Operators,
        Some(Peer::Member(Role::Operator(_))) => audience != For::Nodes,
        Some(Peer::Member(Role::Authority) | Peer::Stranger(_) | Peer::Client) | None => false,
    };
    if is_welcome {
        return Ok(());
    }
    let whom = match audience {
        For::Nodes => "a node's certificate",
        For::NodesAndOperators => "a node's or an operator's certificate",
        For::Operators => "an operator's certificate (`understudy cert issue operator`)",
    };
    let who = peer.map_or("nobody knows who".to_owned(), Peer::to_string);
    Err(format!(
        "{path} asks for {whom} of this cluster; the caller is {who}"
    ))
}

/// Whom an act is recorded of. A certificate proves who it is; what is said
/// beside it is only said.
pub(super) fn author<T>(call: &Call<T>, said: &str) -> String {
    let info = call.extensions().get::<PeerInfo>();
    match info.map(|info| &info.peer) {
        Some(Peer::Member(Role::Operator(name))) if said.is_empty() || said == name => name.clone(),
        Some(Peer::Member(Role::Operator(name))) => format!("{name} (said: {said})"),
        _ => said.to_owned(),
    }
}

/// Refuses calls of whoever they are not for.
#[derive(Clone, Debug)]
pub(crate) struct Access;

#[derive(Clone, Debug)]
pub(crate) struct Guarded<S>(S);

impl<S> Layer<S> for Access {
    type Service = Guarded<S>;

    fn layer(&self, service: S) -> Guarded<S> {
        Guarded(service)
    }
}

type Request = http::Request<Body>;
type Response = http::Response<Body>;

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let info = request.extensions().get::<PeerInfo>();
        match judge(info.map(|info| &info.peer), request.uri().path()) {
            Ok(()) => Either::Right(self.0.call(request)),
            Err(why) => {
                let remote = info.and_then(|info| info.remote);
                let remote = remote.map(|remote| remote.to_string());
                tracing::warn!(remote, why, "a call was refused");
                Either::Left(ready(Ok(Status::permission_denied(why).into_http())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, author, judge};
    use understudy_tls::{Peer, PeerInfo, Role};

    const FOLLOW: &str = "/understudy.v1.Replication/Follow";
    const STATUS: &str = "/understudy.v1.Admin/Status";
    const RECEIPTS: &str = "/understudy.v1.Admin/Receipts";
    const FORGET: &str = "/understudy.v1.Admin/Forget";
    const REBUILD: &str = "/understudy.v1.Admin/RebuildState";
    const APPEND: &str = "/understudy.v1.Log/Append";
    const UNHEARD_OF: &str = "/understudy.v1.Admin/Tomorrow";

    fn may(peer: &Peer) -> Vec<&'static str> {
        let all = [
            FOLLOW, STATUS, RECEIPTS, FORGET, REBUILD, APPEND, UNHEARD_OF,
        ];
        let may = |path: &&str| judge(Some(peer), path).is_ok();
        all.into_iter().filter(may).collect()
    }

    #[test]
    fn each_role_may_call_what_is_for_it() {
        let node = Peer::Member(Role::Node("bravo".parse().unwrap()));
        assert_eq!(may(&node), [FOLLOW, STATUS, RECEIPTS]);
        let operator = Peer::Member(Role::Operator("ann".to_owned()));
        let operators = [STATUS, RECEIPTS, FORGET, REBUILD, APPEND, UNHEARD_OF];
        assert_eq!(may(&operator), operators);
        let everything = [
            FOLLOW, STATUS, RECEIPTS, FORGET, REBUILD, APPEND, UNHEARD_OF,
        ];
        assert_eq!(may(&Peer::Anybody), everything);
    }

    #[test]
    fn whoever_named_nobody_of_this_cluster_may_call_nothing() {
        for peer in [
            Peer::Stranger("of another cluster".to_owned()),
            Peer::Member(Role::Authority),
            Peer::Client,
        ] {
            assert_eq!(may(&peer), [""; 0], "{peer}");
        }
        assert!(judge(None, STATUS).is_err());
    }

    #[test]
    fn certificate_says_whose_an_act_is_and_a_word_stands_beside_it() {
        let of = |peer: Peer, said: &str| {
            let mut call = Call::new(());
            let remote = None;
            call.extensions_mut().insert(PeerInfo { peer, remote });
            author(&call, said)
        };
        let ann = || Peer::Member(Role::Operator("ann".to_owned()));
        assert_eq!(of(ann(), "kim@ops1"), "ann (said: kim@ops1)");
        assert_eq!(of(ann(), "ann"), "ann");
        assert_eq!(of(ann(), ""), "ann");
        assert_eq!(of(Peer::Anybody, "kim@ops1"), "kim@ops1");
    }

    #[test]
    fn refusal_says_who_called_and_who_should() {
        let node = Peer::Member(Role::Node("bravo".parse().unwrap()));
        let told = judge(Some(&node), REBUILD).unwrap_err();
        assert!(told.contains("an operator's certificate"), "{told}");
        assert!(told.contains("the caller is node bravo"), "{told}");
    }
}
