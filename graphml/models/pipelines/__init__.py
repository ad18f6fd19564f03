"""Models one after the other: several models go in, one model comes out.

`pipeline` joins the stages by name, `fusion` compiles several of them into one program, `linked` loads stages that live
in files of their own. Start with `pipeline`.
"""
