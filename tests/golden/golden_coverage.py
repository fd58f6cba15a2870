# SPDX-License-Identifier: Apache-2.0
"""Which kinds of layers, activations, losses and optimizers have no golden case, and why."""
import pathlib

from google.protobuf import descriptor_pb2, text_format

DESCRIPTORS = pathlib.Path(__file__).with_name("gradus.v1.desc.txt")
FAMILIES = ("Layer", "Activation", "Loss", "Optimizer")

WITHOUT = {
    "what they draw is not what PyTorch draws": """
        dropout alpha_dropout spatial_dropout gaussian_noise gaussian_dropout rrelu
        random_flip random_translation random_rotation random_crop""",
}


def kinds():
    """Words of the oneof `kind` of each family."""
    files = text_format.Parse(DESCRIPTORS.read_text(), descriptor_pb2.FileDescriptorSet())
    messages = {message.name: message for file in files.file for message in file.message_type}
    for family in FAMILIES:
        yield from (field.name for field in messages[family].field if field.HasField("oneof_index")
                    and messages[family].oneof_decl[field.oneof_index].name == "kind")


def words(job):
    """All that a job says."""
    if isinstance(job, dict):
        return set(job).union(*map(words, job.values()))
    return set().union(*map(words, job)) if isinstance(job, list) else set()


def differences(jobs):
    excused = {word for names in WITHOUT.values() for word in names.split()}
    said, there = words(jobs), set(kinds())
    yield from (f"{word} has no case" for word in sorted(there - said - excused))
    yield from (f"{word} is excused and has a case" for word in sorted(excused & said))
    yield from (f"{word} is excused and is no kind" for word in sorted(excused - there))
