/// A URL from the environment; an empty one counts as unset, as compose files and CI systems produce them.
pub(crate) fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|url| !url.is_empty())
}
