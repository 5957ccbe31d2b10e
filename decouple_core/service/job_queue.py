"""The queue of the worker: the jobs of all its clients, done one after another by one computing process."""

from __future__ import annotations

import queue
import shutil
import threading
from pathlib import Path

from decouple_contract.failures import as_failure
from decouple_contract.jobs import Where, failure_message
from decouple_contract.ownership import private_folder
from decouple_core.service.computing_process import ComputingProcess
from decouple_core.service.job import Job, log
from decouple_core.service.questions import Tell


class JobQueue:
    """Keeps jobs until their turn has come.

    Parameters
    ----------
    folder : Path
        Where the clients' folders lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._computing = ComputingProcess()
        self._waiting: queue.Queue[Job] = queue.Queue()

    @property
    def busy(self) -> bool:
        """Whether a job is being done."""
        return self._computing.busy

    def open(self) -> None:
        """Begin to do jobs."""
        shutil.rmtree(self.folder, ignore_errors=True)  # left over from a worker that was killed
        private_folder(self.folder)
        threading.Thread(target=self._work, daemon=True).start()

    def put(self, job: Job) -> None:
        """Have a job done when its turn comes."""
        self._waiting.put(job)

    def ask(self, question: Where, folder: str, tell: Tell) -> None:
        """Put a client's question about the last job of this folder; the answer goes to the client when it comes."""
        self._computing.ask(question, folder, tell)

    def warm_up(self) -> None:
        """Start the computing process; where it cannot be, the job that needs it will say why."""
        try:
            self._computing.start()
        except (OSError, RuntimeError):
            log.exception("the computing process could not be started")

    def close(self) -> None:
        """Leave nothing behind: no process, no file."""
        self._computing.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _work(self) -> None:
        while True:
            job = self._waiting.get()
            try:
                if job.begin():
                    job.end(self._computing.run(job))
            except Exception as error:  # whatever happens to one job, the next must be done
                log.exception("a job broke the queue")
                job.end(failure_message(as_failure(error)))
