/// Tells job runners that a job that is due was scheduled. Called after the commit; a runner looks by itself each second.
pub trait JobBell: Send + Sync {
    fn ring(&self);
}
