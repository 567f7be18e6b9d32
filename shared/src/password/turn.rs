//! Hashing a password takes tens of milliseconds of a processor and 19 MiB, on purpose. So it happens
//! off the threads that serve others, and only so often at once as there are processors: a crowd at
//! the door waits in line, and everybody else is served meanwhile.
//!
//! On Lambda, where a function serves one request at a time, this changes nothing.

use std::sync::{Condvar, LazyLock, Mutex, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

/// The turns that are free.
static FREE: LazyLock<Mutex<usize>> =
    LazyLock::new(|| Mutex::new(std::thread::available_parallelism().map_or(1, usize::from)));
static GIVEN_BACK: Condvar = Condvar::new();

/// A turn, given back when it is dropped.
struct Turn;

impl Turn {
    /// Waits for a turn. Blocks the thread.
    fn take() -> Self {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            GIVEN_BACK.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *FREE.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        GIVEN_BACK.notify_one();
    }
}

/// Does slow work in turn, and lets the runtime's other tasks go on meanwhile.
pub fn in_turn<T>(work: impl FnOnce() -> T) -> T {
    let work = || {
        let _turn = Turn::take();
        work()
    };
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // A runtime of one thread has no other that could go on.
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use super::*;

    /// More work than there are threads and processors: all of it is done, never more at once than
    /// there are processors, and a task that is none of it is not held up.
    #[test]
    fn a_crowd_waits_in_line_and_others_are_served() {
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
        let (running, highest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        runtime.unwrap().block_on(async {
            let (tell, told) = std::sync::mpsc::channel::<()>();
            let told = Arc::new(Mutex::new(told));
            let crowd: Vec<_> = (0..4 * most)
                .map(|_| {
                    let (running, highest, told) = (running.clone(), highest.clone(), told.clone());
                    tokio::spawn(async move {
                        in_turn(|| {
                            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                            highest.fetch_max(now, Ordering::SeqCst);
                            let told = told.lock().unwrap_or_else(PoisonError::into_inner);
                            // Only the task below, on the same worker, lets it go on.
                            let told = told.recv_timeout(Duration::from_mins(1));
                            running.fetch_sub(1, Ordering::SeqCst);
                            told.is_ok()
                        })
                    })
                })
                .collect();
            let other = tokio::spawn(async move { (0..4 * most).all(|_| tell.send(()).is_ok()) });
            assert!(other.await.unwrap());
            for one in crowd {
                assert!(one.await.unwrap());
            }
        });
        assert!((1..=most).contains(&highest.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_does_the_work_at_once() {
        assert_eq!(in_turn(|| 7), 7);
    }
}
