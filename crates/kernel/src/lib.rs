//! What every domain shares: typed ids, the clock, tenant scope, permissions, store errors and pages
