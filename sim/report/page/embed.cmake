# embed: the page's sources as bytes in a C file, so that the command needs no files beside it.
#
#   cmake -DOUT=FILE.c "-DFILES=a;b;c" -P embed.cmake
set(text "/* Made of the files of sim/report/page. */\n#include \"sim/report/page/page.h\"\n")
set(table "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} id)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND text "static const unsigned char ${id}[] = {${bytes}0};\n")
  string(APPEND table "    {\"${name}\", (const char *)${id}, sizeof ${id} - 1},\n")
endforeach()
string(APPEND text "const struct page_file page_files[] = {\n${table}    {0, 0, 0},\n};\n")
file(WRITE ${OUT} "${text}")
