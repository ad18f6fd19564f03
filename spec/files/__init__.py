"""Model files: `.mlmodel` (one message, no header) and `.mlpackage` (a folder whose manifest names the message).

Compiled ML Programs (`.mlmodelc`) are read too.

These functions turn a path or bytes into a `Model` message, and back. Reading is lenient: any version, unknown
fields (kept for writing) and contradictions pass; `graphml.spec.validate` reports them. Invalid bytes of any
kind raise a SpecError. Writing is atomic: the path holds either the old file or the complete new one.

Read `models` first. `message` parses bytes, `packages` handles what an `.mlpackage` holds besides the message,
`compiled` reads an `.mlmodelc`, and `disk` reads and replaces files of any content.
"""

from graphml.spec.files.disk import UNFINISHED as UNFINISHED
from graphml.spec.files.disk import open_regular as open_regular
from graphml.spec.files.disk import probe as probe
from graphml.spec.files.disk import replace_file as replace_file
from graphml.spec.files.message import parse as parse
from graphml.spec.files.message import serialize as serialize
from graphml.spec.files.models import model_file as model_file
from graphml.spec.files.models import read as read
from graphml.spec.files.models import read_file as read_file
from graphml.spec.files.models import refuse_unwritable as refuse_unwritable
from graphml.spec.files.models import write as write
