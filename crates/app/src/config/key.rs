use std::fmt;

/// The name of a setting, `http_listen`: section and name in one. Everything else it is called follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key<'a>(pub(crate) &'a str);

impl<'a> Key<'a> {
    /// The table it is in in the configuration file, and its name there. Names of sections have no underscore.
    pub(crate) fn section_and_name(self) -> (&'a str, &'a str) {
        self.0.split_once('_').unwrap_or((self.0, ""))
    }

    pub(crate) fn environment_variable(self) -> String {
        format!("PARLEY_{}", self.0.to_ascii_uppercase())
    }

    /// Names a file that holds the value; for secrets.
    pub(crate) fn file_variable(self) -> String {
        format!("{}_FILE", self.environment_variable())
    }

    fn flag(self) -> String {
        format!("--{}", self.0.replace('_', "-"))
    }

    /// Where it can be set.
    pub(crate) fn places(self) -> String {
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
