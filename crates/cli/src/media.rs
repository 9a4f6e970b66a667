//! `parley media check`: whether the object store has what the database says.

use std::io::{self, Write};

use flows::{CompareError, Database, MediaCheck, MediaProblem, check_media};
use kernel::{SystemClock, error_chain};
use media::ObjectStore;

#[derive(Debug, thiserror::Error)]
pub(crate) enum MediaError {
    #[error("the object store cannot be compared with the database: {}", error_chain(.0))]
    Compare(#[from] CompareError),
    #[error("{0} objects are missing or wrong")]
    Incomplete(u64),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) async fn check(database: &dyn Database, store: &dyn ObjectStore) -> Result<(), MediaError> {
    // If standard output is closed, the exit code remains.
    let clock = SystemClock::new();
    let print = |problem| {
        let _ = writeln!(io::stdout(), "{}", line(problem));
    };
    let MediaCheck { tenants, objects, missing, wrong_size, unknown } =
        check_media(database, store, &clock, print).await?;
    writeln!(
        io::stdout(),
        "{objects} objects of {tenants} tenants: {missing} missing, {wrong_size} of another size, {unknown} unknown"
    )?;
    match missing + wrong_size {
        0 => Ok(()),
        wrong => Err(MediaError::Incomplete(wrong)),
    }
}

fn line(problem: MediaProblem) -> String {
    match problem {
        MediaProblem::Missing { key, size } => format!("missing  {key}  {size} bytes"),
        MediaProblem::WrongSize { key, expected, found } => {
            format!("wrong    {key}  {found} bytes instead of {expected}")
        }
        MediaProblem::Unknown { key, size } => format!("unknown  {key}  {size} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use kernel::ids::TenantId;
    use media::{ObjectKey, Sha256};

    use super::*;

    #[test]
    fn problem_is_one_line_with_the_object() {
        let key = ObjectKey::whole(TenantId::NIL, Sha256::of(b"a"));
        assert_eq!(line(MediaProblem::Missing { key, size: 5 }), format!("missing  {key}  5 bytes"));
        let wrong = line(MediaProblem::WrongSize { key, expected: 5, found: 4 });
        assert_eq!(wrong, format!("wrong    {key}  4 bytes instead of 5"));
    }
}
