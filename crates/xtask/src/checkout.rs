//! Which checkout this is, and where its services keep their data.

use crate::error::{Context, Result, fail};
use std::env;
use std::path::{Path, PathBuf};

/// The root of this checkout.
pub(crate) fn root() -> Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    match package.ancestors().nth(2) {
        Some(root) if root.join("Cargo.toml").is_file() => Ok(root.to_owned()),
        _ => fail("this xtask was built in a checkout that has moved; run it by `cargo xtask`"),
    }
}

/// Names this checkout in directories, container labels and RabbitMQ node names, so that two checkouts never share data.
pub(crate) fn hash() -> Result<String> {
    Ok(fnv(root()?.to_string_lossy().as_bytes()))
}

/// FNV-1a: `DefaultHasher` may change with the toolchain, and then a checkout would lose its data.
fn fnv(input: &[u8]) -> String {
    let hash = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")[..12].to_owned()
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where data goes. As root the servers run as users of their own, who cannot reach below a 0700 home directory.
pub(crate) fn base() -> Result<PathBuf> {
    if is_root() {
        return Ok(PathBuf::from("/var/lib/parley-dev"));
    }
    let home = || env::home_dir().map(|home| home.join(".local/share"));
    let Some(data) = env::var_os("XDG_DATA_HOME").map(PathBuf::from).or_else(home) else {
        return fail("neither XDG_DATA_HOME nor HOME is set: there is no place for the data of Postgres and RabbitMQ");
    };
    Ok(data.join("parley-dev"))
}

/// Where cargo puts the `parley` binary.
pub(crate) fn target() -> Result<PathBuf> {
    let directory = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    Ok(root()?.join(directory))
}

/// An absolute path as the person at the terminal would type it.
pub(crate) fn relative(path: &Path) -> PathBuf {
    let here = env::current_dir().context(|| "no current directory".to_owned());
    here.ok().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_stable_and_short() {
        // The published FNV-1a value of "foobar" is 85944171f73967e8.
        assert_eq!(fnv(b"foobar"), "85944171f739");
        assert_ne!(fnv(b"/a"), fnv(b"/b"));
    }

    #[test]
    fn root_is_the_workspace() {
        assert!(root().unwrap().join("crates/xtask").is_dir());
    }
}
