use std::fmt::Display;

use kernel::Change;

use crate::http::problem::{Code, FieldError, Problem};

/// Collects everything that is wrong with a body, so that its sender is told at once.
#[derive(Debug, Default)]
pub(crate) struct Validation(Vec<FieldError>);

impl Validation {
    /// The value, or a note of what is wrong with the field.
    pub(crate) fn field<T, E: Display>(&mut self, pointer: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.note(FieldError::at(pointer, "invalid", error.to_string()))).ok()
    }

    /// The change of a member that may be removed, with its value checked.
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

    /// The new value of a member that cannot be removed.
    pub(crate) fn replacement<T, U, E: Display>(
        &mut self,
        pointer: &str,
        change: Change<T>,
        check: impl FnOnce(T) -> Result<U, E>,
    ) -> Option<U> {
        match change {
            Change::Keep => None,
            Change::Clear => {
                self.note(FieldError::at(pointer, "invalid", "can be replaced, but not removed"));
                None
            }
            Change::Set(value) => self.field(pointer, check(value)),
        }
    }

    pub(crate) fn note(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Whether nothing is wrong so far.
    pub(crate) const fn is_clean(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_problem(self) -> Problem {
        self.into_problem_of(Code::ValidationFailed)
    }

    /// A problem that has a code of its own.
    pub(crate) fn into_problem_of(self, code: Code) -> Problem {
        Problem::new(code).with_errors(self.0)
    }
}
