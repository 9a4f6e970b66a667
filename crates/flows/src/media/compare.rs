//! Walks over the rows and the store of a tenant side by side, in the order of the hashes. Both are read in pages.

use std::collections::VecDeque;

use kernel::{StoreError, TenantScope};
use media::{ObjectInfo, ObjectKey, ObjectPart, ObjectRow, ObjectStore, ObjectStoreError, Sha256};

use crate::{Database, settle};

/// Rows and names read at once.
const PAGE: usize = 500;

/// Rows and store cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Objects(#[from] ObjectStoreError),
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Files have the object, and the store does not.
    Missing(ObjectRow),
    WrongSize(ObjectRow, u64),
    /// The store has it, and no file does.
    Unknown(ObjectInfo),
}

/// The differences of a tenant, page by page. Objects that are written or deleted meanwhile may be among them.
pub(super) struct Comparison<'a> {
    database: &'a dyn Database,
    scope: &'a TenantScope,
    store: &'a dyn ObjectStore,
    /// The last row that was read.
    row: Option<Sha256>,
    rows_ended: bool,
    names: VecDeque<ObjectInfo>,
    name: Option<ObjectKey>,
    names_ended: bool,
    pub(super) compared: u64,
}

impl<'a> Comparison<'a> {
    pub(super) const fn new(database: &'a dyn Database, scope: &'a TenantScope, store: &'a dyn ObjectStore) -> Self {
        Self {
            database,
            scope,
            store,
            row: None,
            rows_ended: false,
            names: VecDeque::new(),
            name: None,
            names_ended: false,
            compared: 0,
        }
    }

    /// The differences of the next page; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Difference>>, CompareError> {
        if self.rows_ended && self.names_ended && self.names.is_empty() {
            return Ok(None);
        }
        let mut found = Vec::new();
        if !self.rows_ended {
            let rows = self.rows().await?;
            for row in rows {
                self.compared += 1;
                self.compare(row, &mut found).await?;
            }
        } else if let Some(name) = self.peek().await? {
            self.names.pop_front();
            found.push(Difference::Unknown(name));
            found.extend(std::mem::take(&mut self.names).into_iter().map(Difference::Unknown));
        }
        Ok(Some(found))
    }

    async fn compare(&mut self, row: ObjectRow, found: &mut Vec<Difference>) -> Result<(), CompareError> {
        let mut size = None;
        while let Some(name) = self.peek().await? {
            if name.key.sha256 > row.sha256 {
                break;
            }
            self.names.pop_front();
            if name.key.sha256 < row.sha256 {
                found.push(Difference::Unknown(name));
            } else if name.key.part == ObjectPart::Whole {
                size = Some(name.size);
            }
        }
        match size {
            // The store may list it elsewhere than expected, or have got it meanwhile.
            None => match self.store.info(&ObjectKey::whole(self.scope.tenant(), row.sha256)).await? {
                None => found.push(Difference::Missing(row)),
                Some(info) if info.size != row.size => found.push(Difference::WrongSize(row, info.size)),
                Some(_) => {}
            },
            Some(size) if size != row.size => found.push(Difference::WrongSize(row, size)),
            Some(_) => {}
        }
        Ok(())
    }

    async fn rows(&mut self) -> Result<Vec<ObjectRow>, CompareError> {
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let mut tx = self.database.tenant(self.scope).await?;
        let read = tx.objects(self.row.as_ref(), limit).await;
        let rows = settle(tx, read).await?;
        self.rows_ended = rows.len() < PAGE;
        self.row = rows.last().map(|row| row.sha256).or(self.row);
        Ok(rows)
    }

    async fn peek(&mut self) -> Result<Option<ObjectInfo>, CompareError> {
        if self.names.is_empty() && !self.names_ended {
            let prefix = ObjectKey::prefix(self.scope.tenant());
            let names = self.store.list(&prefix, self.name.as_ref(), PAGE).await?;
            self.names_ended = names.is_empty();
            self.name = names.last().map(|info| info.key).or(self.name);
            self.names.extend(names);
        }
        Ok(self.names.front().cloned())
    }
}
