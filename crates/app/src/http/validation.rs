use std::fmt::Display;

use crate::http::problem::{Code, FieldError, Problem};

/// Collects everything that is wrong with a body, so that its sender is told at once.
#[derive(Debug, Default)]
pub(crate) struct Validation(Vec<FieldError>);

impl Validation {
    /// The value, or a note of what is wrong with the field.
    pub(crate) fn field<T, E: Display>(&mut self, pointer: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.note(FieldError::at(pointer, "invalid", error.to_string()))).ok()
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
