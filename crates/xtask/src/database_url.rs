//! The database URLs of Parley's own roles, made from the superuser's.

use crate::error::{Result, fail};

#[derive(Debug, PartialEq)]
pub(crate) struct DatabaseUrl {
    /// Host and port, as they stood.
    host: String,
    /// `?sslmode=require` and the like, with the question mark, or empty.
    parameters: String,
}

impl DatabaseUrl {
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let Some(rest) = rest else {
            // The URL holds a password: it is not repeated here.
            return fail("DATABASE_URL must look like postgres://superuser:password@host:5432/postgres");
        };
        let (rest, parameters) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Ok(Self { host: host.to_owned(), parameters: parameters.to_owned() })
    }

    /// The same server and parameters for another user and database.
    pub(crate) fn of(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@{}/{database}{}", self.host, self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_and_parameters_are_kept() {
        let url = DatabaseUrl::parse("postgresql://admin:p%40ss@db.example:6432/postgres?sslmode=require").unwrap();
        assert_eq!(
            url.of("parley_app", "s", "parley"),
            "postgres://parley_app:s@db.example:6432/parley?sslmode=require"
        );
        let url = DatabaseUrl::parse("postgres://localhost").unwrap();
        assert_eq!(url.of("parley_app", "s", "parley"), "postgres://parley_app:s@localhost/parley");
        let url = DatabaseUrl::parse("postgres://u:p@[::1]:5432?application_name=a/b").unwrap();
        assert_eq!(url.of("u", "s", "d"), "postgres://u:s@[::1]:5432/d?application_name=a/b");
    }

    #[test]
    fn invalid_url_error_hides_the_password() {
        let error = DatabaseUrl::parse("host=db password=hunter2").unwrap_err().to_string();
        assert!(error.contains("postgres://") && !error.contains("hunter2"));
    }
}
