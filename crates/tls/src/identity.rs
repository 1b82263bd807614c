use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use understudy_types::NodeId;

const SCHEME: &str = "understudy://";

/// Whom a certificate names, as an URI among its alternative names:
/// `understudy://CLUSTER/node/NAME`, `understudy://CLUSTER/operator/NAME`, or
/// `understudy://CLUSTER/authority`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub cluster: String,
    pub role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Signs the others; it is no end of a connection.
    Authority,
    /// Speaks with other nodes, and answers everybody.
    Node(NodeId),
    /// Asks nodes, and answers nobody.
    Operator(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{uri:?} names nobody of a cluster: expected understudy://CLUSTER/node/NAME or understudy://CLUSTER/operator/NAME"
)]
pub struct NoIdentity {
    uri: String,
}

impl Identity {
    pub fn node(cluster: &str, node: NodeId) -> Identity {
        Identity {
            cluster: cluster.to_owned(),
            role: Role::Node(node),
        }
    }

    pub fn operator(cluster: &str, name: &str) -> Identity {
        Identity {
            cluster: cluster.to_owned(),
            role: Role::Operator(name.to_owned()),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Authority => write!(f, "the authority"),
            Role::Node(name) => write!(f, "node {name}"),
            Role::Operator(name) => write!(f, "operator {name}"),
        }
    }
}

/// The URI.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cluster = &self.cluster;
        match &self.role {
            Role::Authority => write!(f, "{SCHEME}{cluster}/authority"),
            Role::Node(name) => write!(f, "{SCHEME}{cluster}/node/{name}"),
            Role::Operator(name) => write!(f, "{SCHEME}{cluster}/operator/{name}"),
        }
    }
}

impl FromStr for Identity {
    type Err = NoIdentity;

    fn from_str(uri: &str) -> Result<Identity, NoIdentity> {
        let wrong = || NoIdentity {
            uri: uri.to_owned(),
        };
        // Clusters, nodes and operators are named by one rule.
        let name = |text: &str| text.parse::<NodeId>().map_err(|_| wrong());
        let rest = uri.strip_prefix(SCHEME).ok_or_else(wrong)?;
        let parts: Vec<&str> = rest.split('/').collect();
        let (cluster, role) = match parts[..] {
            [cluster, "authority"] => (cluster, Role::Authority),
            [cluster, "node", node] => (cluster, Role::Node(name(node)?)),
            [cluster, "operator", who] => (cluster, Role::Operator(name(who)?.into())),
            _ => return Err(wrong()),
        };
        Ok(Identity {
            cluster: name(cluster)?.into(),
            role,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, Role};

    #[test]
    fn uri_and_identity_are_the_same() {
        for uri in [
            "understudy://prod/node/alpha",
            "understudy://prod_2/operator/ann",
            "understudy://prod/authority",
        ] {
            let identity: Identity = uri.parse().unwrap();
            assert_eq!(identity.to_string(), uri);
        }
        let node: Identity = "understudy://prod/node/alpha".parse().unwrap();
        assert_eq!(node.role, Role::Node("alpha".parse().unwrap()));
    }

    #[test]
    fn nobody_else_is_anybody() {
        for uri in [
            "understudy://prod/node/",
            "understudy://prod/node/alpha/x",
            "understudy://prod/root/alpha",
            "understudy:///node/alpha",
            "understudy://PROD/node/alpha",
            "https://prod/node/alpha",
            "",
        ] {
            assert!(uri.parse::<Identity>().is_err(), "{uri}");
        }
    }
}
