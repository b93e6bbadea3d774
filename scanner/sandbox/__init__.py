"""Layers are unpacked and parsed in processes that may do nothing else, and are soon thrown away.

Decoders written in C and a parser fed by strangers run where a fault costs nothing::

    worker ──(Unix socket: three descriptors per layer)── zygote ──fork── child: a layer, or some small ones
      │                                                                     │
      ├── the layer's bytes, verified while they pass ─────────────────────→│
      └── the finished index, or a problem, as bytes ←──────────────────────┘

The worker keeps the network and the credentials. A child has three descriptors and can open no more, so no file and no
socket; no environment; a bounded address space and processor time; no way to start a process. What it answers is
checked like anything else that comes from outside. The zygote is one small interpreter without threads that has loaded
what reading needs: forking it takes a millisecond, starting an interpreter a hundred. It ends with its worker.
"""

from scanner.sandbox.layers import index_layer
from scanner.sandbox.nursery import Nursery, close, warm_up
from scanner.sandbox.problems import ChildDied

__all__ = ["ChildDied", "Nursery", "close", "index_layer", "warm_up"]
