use std::fmt;

/// The name of a setting, such as `http_listen`: section and name. Its flag, variable and file entry follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key<'a>(pub(crate) &'a str);

impl<'a> Key<'a> {
    /// Its table in the configuration file, and its name there. Names of sections have no underscore.
    pub(crate) fn section_and_name(self) -> (&'a str, &'a str) {
        self.0.split_once('_').unwrap_or((self.0, ""))
    }

    pub(crate) fn environment_variable(self) -> String {
        format!("PARLEY_{}", self.0.to_ascii_uppercase())
    }

    /// The variable that names a file with the value; for secrets.
    pub(crate) fn file_variable(self) -> String {
        format!("{}_FILE", self.environment_variable())
    }

    fn flag(self) -> String {
        format!("--{}", self.0.replace('_', "-"))
    }

    /// Flag, variable and file entry, for an error.
    pub(crate) fn how_to_set(self) -> String {
        let (section, name) = self.section_and_name();
        let (flag, variable) = (self.flag(), self.environment_variable());
        format!("{flag}, {variable}, or `{name}` in [{section}] of the configuration file")
    }
}

/// As in the configuration file: `http.listen`.
impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (section, name) = self.section_and_name();
        write!(f, "{section}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_variable_and_file_entry_follow_from_the_key() {
        let key = Key("http_metrics_listen");
        assert_eq!(key.to_string(), "http.metrics_listen");
        assert_eq!(key.flag(), "--http-metrics-listen");
        assert_eq!(key.environment_variable(), "PARLEY_HTTP_METRICS_LISTEN");
        assert_eq!(key.file_variable(), "PARLEY_HTTP_METRICS_LISTEN_FILE");
    }
}
