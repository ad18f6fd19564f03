"""BERT encoders for question answering: Hugging Face checkpoints to Core ML networks, and back.

A checkpoint is a folder (or a name on the Hugging Face hub) with the model.safetensors and config.json of a BERT,
MiniLM or DistilBERT, with the names that the library `transformers` uses. The network has the inputs word_ids,
word_types (not for DistilBERT) and mask, and the outputs start_logits and end_logits, all [texts, words].

`config` describes the sizes, `checkpoint` reads and writes checkpoints, `encoder` builds the Core ML network and reads
it back. Start with `encoder`.
"""

from graphml.interop.bert.checkpoint import FILES as FILES
from graphml.interop.bert.checkpoint import folder_of as folder_of
from graphml.interop.bert.checkpoint import read_checkpoint as read_checkpoint
from graphml.interop.bert.checkpoint import write_checkpoint as write_checkpoint
from graphml.interop.bert.config import ACTIVATIONS as ACTIVATIONS
from graphml.interop.bert.config import Config as Config
from graphml.interop.bert.config import Params as Params
from graphml.interop.bert.config import read_config as read_config
from graphml.interop.bert.encoder import network as network
from graphml.interop.bert.encoder import read_network as read_network
from graphml.interop.bert.encoder import stored_as as stored_as
