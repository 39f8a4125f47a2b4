"""What `base.name` holds."""

from __future__ import annotations

from tests.fixtures.followed import Followed

CLASSES = """
class Base:
    size = 4
    def path(self): return "fineweb_val_1.bin"
    @property
    def shard(self): return self.path()
    @staticmethod
    def other(): return "fineweb_train_1.bin"
    @classmethod
    def made(cls): return cls()
class Derived(Base):
    pass
d = Derived()
"""


def test_methods_properties_and_fields_are_found_on_the_classes_that_a_class_stands_on() -> None:
    found = Followed(CLASSES + "a, b, c, e = d.shard, d.size, Derived.other(), Derived.made().path()\n")
    assert [set(found["a"].labels), found["b"].const, set(found["c"].labels)] == [{"val"}, 4, {"train"}]
    assert found["e"].const == "fineweb_val_1.bin"


def test_a_shape_holds_no_text_and_what_calls_itself_validation_does() -> None:
    found = Followed("def of(args): return args.val_tokens\na, b = val.shape, of(0)\n")
    assert (set(found["a"].labels), set(found["b"].labels)) == (set(), {"val"})
