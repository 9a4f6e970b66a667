use std::fmt::Display;

use kernel::Change;

use crate::problem::{Code, FieldError, Problem};

/// Collects all errors of a body, so that the client gets them in one response.
#[derive(Debug, Default)]
pub(crate) struct Validation(Vec<FieldError>);

impl Validation {
    /// Returns the value, or adds an error for the field.
    pub(crate) fn field<T, E: Display>(&mut self, pointer: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(FieldError::in_body(pointer, "invalid", error.to_string()))).ok()
    }

    /// Checks the new value of a member that can be cleared.
    pub(crate) fn change<T, U, E: Display>(
        &mut self,
        pointer: &str,
        change: Change<T>,
        check: impl FnOnce(T) -> Result<U, E>,
    ) -> Change<U> {
        match change {
            Change::Keep => Change::Keep,
            Change::Clear => Change::Clear,
            Change::Set(value) => self.field(pointer, check(value)).map_or(Change::Keep, Change::Set),
        }
    }

    /// Checks the new value of a member that cannot be cleared.
    pub(crate) fn replacement<T, U, E: Display>(
        &mut self,
        pointer: &str,
        change: Change<T>,
        check: impl FnOnce(T) -> Result<U, E>,
    ) -> Option<U> {
        match change {
            Change::Keep => None,
            Change::Clear => {
                self.add(FieldError::in_body(pointer, "invalid", "cannot be null"));
                None
            }
            Change::Set(value) => self.field(pointer, check(value)),
        }
    }

    pub(crate) fn add(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Whether there are no errors so far.
    pub(crate) const fn is_valid(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_problem(self) -> Problem {
        self.into_problem_with(Code::ValidationFailed)
    }

    /// A problem with another code than `validation_failed`.
    pub(crate) fn into_problem_with(self, code: Code) -> Problem {
        Problem::new(code).with_errors(self.0)
    }
}
