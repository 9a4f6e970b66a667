use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Reads that are asked for at the same time, about one key, share a statement: what arrives while reads of the key are at work is read
/// together as soon as one of them is done. So a read begins after it was asked for, and waits for nothing when there is no other.
pub(crate) struct GroupedReads<K, Q, A> {
    groups: Arc<Mutex<HashMap<K, Group<Q, A>>>>,
    /// A read is a task of its own: the request that asked first may be cancelled while others wait for the answer.
    runtime: Handle,
}

struct Group<Q, A> {
    waiting: Vec<(Q, oneshot::Sender<A>)>,
    at_work: usize,
}

/// Statements of one key at a time.
const AT_WORK: usize = 2;
/// Questions of a statement.
const MAX_QUESTIONS: usize = 64;

impl<K, Q, A> GroupedReads<K, Q, A>
where
    K: Clone + Eq + Hash + Send + 'static,
    Q: Send + 'static,
    A: Send + 'static,
{
    pub(crate) fn new(runtime: Handle) -> Self {
        Self { groups: Arc::default(), runtime }
    }

    /// The answer to a question; `None` if the process ends. `read` answers questions of the key in their order.
    pub(crate) async fn ask<R, F>(&self, key: K, question: Q, read: R) -> Option<A>
    where
        R: Fn(Vec<Q>) -> F + Send + 'static,
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let begins = {
            let mut groups = lock(&self.groups);
            let group = groups.entry(key.clone()).or_insert_with(|| Group { waiting: Vec::new(), at_work: 0 });
            group.waiting.push((question, answer));
            let begins = group.at_work < AT_WORK;
            group.at_work += usize::from(begins);
            begins
        };
        if begins {
            self.runtime.spawn(work(AtWork { groups: Arc::clone(&self.groups), key, has_ended: false }, read));
        }
        answered.await.ok()
    }
}

/// Reads until nothing of the key waits.
async fn work<K, Q, A, R, F>(mut at_work: AtWork<K, Q, A>, read: R)
where
    K: Eq + Hash,
    R: Fn(Vec<Q>) -> F,
    F: Future<Output = Vec<A>>,
{
    while let Some(asked) = at_work.take() {
        let (questions, answers): (Vec<Q>, Vec<_>) = asked.into_iter().unzip();
        for (answer, read) in answers.into_iter().zip(read(questions).await) {
            // A request that was cancelled has dropped its receiver.
            let _ = answer.send(read);
        }
    }
}

/// The place of a task that reads.
struct AtWork<K: Eq + Hash, Q, A> {
    groups: Arc<Mutex<HashMap<K, Group<Q, A>>>>,
    key: K,
    has_ended: bool,
}

impl<K: Eq + Hash, Q, A> AtWork<K, Q, A> {
    /// What waits. `None` ends the task: the next question begins another.
    fn take(&mut self) -> Option<Vec<(Q, oneshot::Sender<A>)>> {
        let mut groups = lock(&self.groups);
        let group = groups.get_mut(&self.key)?;
        let count = group.waiting.len().min(MAX_QUESTIONS);
        if count > 0 {
            return Some(group.waiting.drain(..count).collect());
        }
        // Under the same lock: a question that comes later must not rely on this task.
        self.has_ended = true;
        group.at_work -= 1;
        if group.at_work == 0 {
            groups.remove(&self.key);
        }
        None
    }
}

impl<K: Eq + Hash, Q, A> Drop for AtWork<K, Q, A> {
    /// After a panic: what waits for no other task is not answered.
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let mut groups = lock(&self.groups);
        if let Some(group) = groups.get_mut(&self.key) {
            group.at_work -= 1;
            if group.at_work == 0 {
                groups.remove(&self.key);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, Q, A> fmt::Debug for GroupedReads<K, Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupedReads").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::{BoxFuture, join_all};
    use tokio::sync::Semaphore;

    use super::*;

    type Reads = GroupedReads<&'static str, u32, (u32, usize)>;

    /// Answers each question with itself and the number of questions of its statement, once the gate lets a statement through.
    fn read(gate: &Arc<Semaphore>) -> impl Fn(Vec<u32>) -> BoxFuture<'static, Vec<(u32, usize)>> + Send + use<> {
        let gate = Arc::clone(gate);
        move |questions| {
            let gate = Arc::clone(&gate);
            Box::pin(async move {
                gate.acquire().await.unwrap().forget();
                let count = questions.len();
                questions.into_iter().map(|question| (question, count)).collect()
            })
        }
    }

    #[tokio::test]
    async fn questions_of_one_key_share_a_statement() {
        let (reads, gate) = (Reads::new(Handle::current()), Arc::new(Semaphore::new(0)));
        let mut asked = Vec::new();
        for question in 0..10 {
            let mut one = Box::pin(reads.ask("a", question, read(&gate)));
            assert!(one.as_mut().now_or_never().is_none());
            // The first two begin a statement each.
            tokio::task::yield_now().await;
            asked.push(one);
        }
        let mut other = Box::pin(reads.ask("b", 99, read(&gate)));
        assert!(other.as_mut().now_or_never().is_none());
        gate.add_permits(9);
        let answers: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        let expected: Vec<_> = (0..10).map(|question| (question, if question < 2 { 1 } else { 8 })).collect();
        assert_eq!(answers, expected);
        assert_eq!(other.await, Some((99, 1)), "another key has statements of its own");
        assert!(lock(&reads.groups).is_empty());
    }

    #[tokio::test]
    async fn cancelled_question_leaves_the_others_answered() {
        let (reads, gate) = (Reads::new(Handle::current()), Arc::new(Semaphore::new(0)));
        let mut first = Box::pin(reads.ask("a", 1, read(&gate)));
        let mut second = Box::pin(reads.ask("a", 2, read(&gate)));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        drop(first);
        gate.add_permits(2);
        assert_eq!(second.await.map(|(question, _)| question), Some(2));
    }

    #[tokio::test]
    async fn read_that_panics_leaves_later_ones_answered() {
        let reads = Reads::new(Handle::current());
        let crash = |_: Vec<u32>| -> BoxFuture<'static, Vec<(u32, usize)>> { panic!("crash of a test") };
        assert_eq!(reads.ask("a", 1, crash).await, None);
        let gate = Arc::new(Semaphore::new(1));
        assert_eq!(reads.ask("a", 2, read(&gate)).await, Some((2, 1)));
    }
}
