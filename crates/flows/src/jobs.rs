//! Handlers of the kinds of jobs, and what people do with jobs.

mod account_check;
mod bell;
mod handler;
mod media_download;
mod media_upload;
mod new_template_sync;
mod template_sync;
mod work_dead_jobs;

pub use account_check::AccountCheckJob;
pub use bell::JobBell;
pub use handler::JobHandler;
pub use media_upload::MediaUploadJob;
pub(crate) use new_template_sync::template_sync_job;
pub use template_sync::TemplateSyncJob;
pub use work_dead_jobs::{DeadJobError, JobTx, discard_job, jobs, retry_job};
