"""The same journey as most teams would write it in FastStream: what Quartermaster is compared with.

Four applications, each a process with a database of its own. One message is one ORM session and one commit;
what follows is published after the commit. Durable quorum queues, persistent messages, publisher confirms, a
prefetch that suits the connection pool. No inbox and no outbox: a crash between commit and publish loses what
should have been said, and a redelivered message takes effect twice.
"""
